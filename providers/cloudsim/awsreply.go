package cloudsim

import (
	"bytes"
	"encoding/json"
	"encoding/xml"
	"fmt"
	"net/http"
	"strings"
)

// authFailure is why a caller was not recognised. Each protocol family has its own words for it.
type authFailure int

const (
	missingSignature authFailure = iota
	unknownKey
	wrongSignature
	expiredToken
	skewedClock
)

const (
	dryRunCode   = "DryRunOperation"
	wrongSigText = "The request signature we calculated does not match the signature you provided. Check your AWS Secret Access Key and signing method. Consult the service documentation for details."
	badTokenText = "The security token included in the request is invalid."
)

// authErrors are the answers to callers that were not recognised, by protocol; EC2, S3 and the rest differ.
var authErrors = map[awsProtocol]map[authFailure]awsError{
	ec2Protocol: {
		missingSignature: {http.StatusBadRequest, "MissingParameter", "The request must contain the parameter AWSAccessKeyId"},
		unknownKey:       {http.StatusUnauthorized, "AuthFailure", "AWS was not able to validate the provided access credentials"},
		wrongSignature:   {http.StatusUnauthorized, "AuthFailure", "AWS was not able to validate the provided access credentials"},
		expiredToken:     {http.StatusBadRequest, "RequestExpired", "Request has expired."},
		skewedClock:      {http.StatusBadRequest, "RequestExpired", "Request has expired."},
	},
	restXML: {
		missingSignature: {http.StatusForbidden, "AccessDenied", "Access Denied"},
		unknownKey:       {http.StatusForbidden, "InvalidAccessKeyId", "The AWS Access Key Id you provided does not exist in our records."},
		wrongSignature:   {http.StatusForbidden, "SignatureDoesNotMatch", "The request signature we calculated does not match the signature you provided. Check your key and signing method."},
		expiredToken:     {http.StatusBadRequest, "ExpiredToken", "The provided token has expired."},
		skewedClock:      {http.StatusForbidden, "RequestTimeTooSkewed", "The difference between the request time and the current time is too large."},
	},
	queryProtocol: {
		missingSignature: {http.StatusForbidden, "MissingAuthenticationToken", "Request is missing Authentication Token"},
		unknownKey:       {http.StatusForbidden, "InvalidClientTokenId", badTokenText},
		wrongSignature:   {http.StatusForbidden, "SignatureDoesNotMatch", wrongSigText},
		expiredToken:     {http.StatusForbidden, "ExpiredToken", "The security token included in the request is expired"},
		skewedClock:      {http.StatusForbidden, "SignatureDoesNotMatch", "Signature expired or not yet current: the request's time is more than 15 minutes off."},
	},
	jsonProtocol: {
		missingSignature: {http.StatusBadRequest, "MissingAuthenticationTokenException", "Missing Authentication Token"},
		unknownKey:       {http.StatusBadRequest, "UnrecognizedClientException", badTokenText},
		wrongSignature:   {http.StatusBadRequest, "InvalidSignatureException", wrongSigText},
		expiredToken:     {http.StatusBadRequest, "ExpiredTokenException", "The security token included in the request is expired"},
		skewedClock:      {http.StatusBadRequest, "InvalidSignatureException", "Signature expired or not yet current: the request's time is more than 15 minutes off."},
	},
}

func (c *awsCall) authError(why authFailure) *awsError {
	if c.service.protocol == restJSON {
		e := authErrors[jsonProtocol][why]
		e.status = http.StatusForbidden
		return &e
	}
	e := authErrors[c.service.protocol][why]
	return &e
}

func (c *awsCall) requestID() string {
	return uuidOf(fmt.Sprintf("request %d", c.entry.N))
}

func (c *awsCall) fail(e *awsError) reply {
	r := reply{status: e.status, code: e.code, header: map[string]string{"X-Amzn-Requestid": c.requestID()}}
	switch c.service.protocol {
	case jsonProtocol, restJSON:
		r.header["Content-Type"] = "application/x-amz-json-1.1"
		r.header["X-Amzn-Errortype"] = e.code
		r.body, _ = json.Marshal(map[string]string{"__type": e.code, "message": e.message}) // strings always marshal
		return r
	case ec2Protocol:
		r.body = fmt.Appendf(nil, "%s<Response><Errors><Error><Code>%s</Code><Message>%s</Message></Error></Errors><RequestID>%s</RequestID></Response>",
			xml.Header, xmlText(e.code), xmlText(e.message), c.requestID())
	case restXML:
		r.body = fmt.Appendf(nil, "%s<Error><Code>%s</Code><Message>%s</Message><RequestId>%s</RequestId></Error>",
			xml.Header, xmlText(e.code), xmlText(e.message), c.requestID())
	default:
		r.body = fmt.Appendf(nil, `<ErrorResponse xmlns="%s"><Error><Type>Sender</Type><Code>%s</Code><Message>%s</Message></Error><RequestId>%s</RequestId></ErrorResponse>`,
			c.service.version, xmlText(e.code), xmlText(e.message), c.requestID())
	}
	r.header["Content-Type"] = "text/xml"
	return r
}

// rawOutput is an answer that is not a document of the protocol, such as an object's body.
type rawOutput struct {
	contentType string
	body        []byte
	header      map[string]string
}

func (c *awsCall) succeed(output any) reply {
	r := reply{status: http.StatusOK, header: map[string]string{"X-Amzn-Requestid": c.requestID()}}
	if raw, ok := output.(rawOutput); ok {
		r.header["Content-Type"], r.body = raw.contentType, raw.body
		for name, value := range raw.header {
			r.header[name] = value
		}
		return r
	}
	switch c.service.protocol {
	case jsonProtocol, restJSON:
		r.header["Content-Type"] = "application/x-amz-json-1.1"
		r.body = mustJSON(output)
		return r
	case restXML:
		r.body = append([]byte(xml.Header), element(c.action+"Output", "http://s3.amazonaws.com/doc/2006-03-01/", output)...)
	case ec2Protocol:
		id := []byte("<requestId>" + c.requestID() + "</requestId>")
		document := element(c.action+"Response", c.service.version, output)
		end := bytes.IndexByte(document, '>') + 1
		r.body = bytes.Join([][]byte{[]byte(xml.Header), document[:end], id, document[end:]}, nil)
	default:
		r.body = fmt.Appendf(nil, `<%[1]sResponse xmlns="%[2]s">%[3]s<ResponseMetadata><RequestId>%[4]s</RequestId></ResponseMetadata></%[1]sResponse>`,
			c.action, c.service.version, element(c.action+"Result", "", output), c.requestID())
	}
	r.header["Content-Type"] = "text/xml;charset=UTF-8"
	return r
}

// element writes a value as one XML element; structs in this package always marshal.
func element(name, namespace string, value any) []byte {
	start := xml.StartElement{Name: xml.Name{Local: name}}
	if namespace != "" {
		start.Attr = []xml.Attr{{Name: xml.Name{Local: "xmlns"}, Value: namespace}}
	}
	var b bytes.Buffer
	if err := xml.NewEncoder(&b).EncodeElement(value, start); err != nil {
		panic(fmt.Sprintf("write %s as XML: %v", name, err))
	}
	return b.Bytes()
}

func xmlText(text string) string {
	var b strings.Builder
	_ = xml.EscapeText(&b, []byte(text)) // a strings.Builder takes everything
	return b.String()
}

func mustJSON(value any) []byte {
	raw, err := json.Marshal(value)
	if err != nil {
		panic(fmt.Sprintf("write %T as JSON: %v", value, err)) // a type in this package is wrong
	}
	return raw
}

// refusal answers an injected failure in the words of the service that was asked.
func (a *awsCloud) refusal(r *request, status int, code, message string) reply {
	call := &awsCall{request: r, aws: a}
	sig, _ := readSignature(r.Request)
	call.service = awsServices[sig.service]
	if code == "" {
		code = "ServiceUnavailable"
	}
	if message == "" {
		message = "The service is unavailable. Please try again shortly."
	}
	return call.fail(&awsError{status, code, message})
}

// items is a list of EC2 and S3 documents, members one of the query protocol. Both are written when empty, too.
type items[T any] struct {
	List []T `xml:"item"`
}

type members[T any] struct {
	List []T `xml:"member"`
}
