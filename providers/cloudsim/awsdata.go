package cloudsim

import (
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
)

var dataOps = map[string]awsOp{
	"iam:ListAccountAliases":             {run: listAccountAliases},
	"rds:DescribeDBInstances":            {run: describeDBInstances},
	"secretsmanager:ListSecrets":         {run: listSecrets},
	"secretsmanager:DescribeSecret":      {run: describeSecret, resources: secretResource},
	"secretsmanager:GetSecretValue":      {run: getSecretValue, resources: secretResource},
	"logs:DescribeLogGroups":             {run: describeLogGroups},
	"logs:FilterLogEvents":               {run: filterLogEvents, resources: logGroupResource},
	"lambda:ListFunctions":               {run: listFunctions},
	"lambda:GetFunction":                 {run: getFunction, resources: functionResource},
	"lambda:GetFunctionConfiguration":    {run: getFunctionConfiguration, resources: functionResource},
	"cloudwatch:GetMetricData":           {run: getMetricData},
	"cloudwatch:ListMetrics":             {run: listMetrics},
	"cloudwatch:DescribeAlarms":          {run: describeAlarms},
	"lambda:UpdateFunctionConfiguration": {run: updateFunction, resources: functionResource},
}

func listAccountAliases(c *awsCall) (any, *awsError) {
	var out struct {
		Aliases   members[string] `xml:"AccountAliases"`
		Truncated bool            `xml:"IsTruncated"`
	}
	if c.account.Alias != "" {
		out.Aliases.List = []string{c.account.Alias}
	}
	return out, nil
}

type rdsInstance struct {
	ID       string `xml:"DBInstanceIdentifier"`
	Class    string `xml:"DBInstanceClass"`
	Engine   string
	Status   string `xml:"DBInstanceStatus"`
	User     string `xml:"MasterUsername"`
	Endpoint struct {
		Address string
		Port    int
	}
	ARN string `xml:"DBInstanceArn"`
}

func describeDBInstances(c *awsCall) (any, *awsError) {
	wanted := c.form.Get("DBInstanceIdentifier")
	var out struct {
		Instances struct {
			List []rdsInstance `xml:"DBInstance"`
		} `xml:"DBInstances"`
	}
	for _, db := range c.account.Databases {
		if db.Region != c.region || (wanted != "" && wanted != db.ID) {
			continue
		}
		doc := rdsInstance{ID: db.ID, Class: db.Class, Engine: db.Engine, Status: db.Status, User: "postgres", ARN: c.arn("rds", "db:"+db.ID)}
		doc.Endpoint.Address, doc.Endpoint.Port = db.ID+".simulated."+db.Region+".rds.amazonaws.com", 5432
		out.Instances.List = append(out.Instances.List, doc)
	}
	if wanted != "" && len(out.Instances.List) == 0 {
		return nil, &awsError{http.StatusNotFound, "DBInstanceNotFound", "DBInstance " + wanted + " not found."}
	}
	return out, nil
}

func (c *awsCall) secret(id string) *AWSSecret {
	for i := range c.account.Secrets {
		s := &c.account.Secrets[i]
		if s.Region == c.region && (s.Name == id || c.secretARN(s.Name) == id) {
			return s
		}
	}
	return nil
}

func (c *awsCall) secretARN(name string) string {
	return c.arn("secretsmanager", "secret:"+name+"-"+shortID(name, 6))
}

type secretInput struct {
	SecretID string `json:"SecretId"`
}

func secretResource(c *awsCall) []string {
	var in secretInput
	_ = c.decode(&in) // the operation itself refuses what cannot be read
	if strings.HasPrefix(in.SecretID, "arn:") {
		return []string{in.SecretID}
	}
	return []string{c.secretARN(in.SecretID)}
}

func (c *awsCall) askedSecret() (*AWSSecret, *awsError) {
	var in secretInput
	if refused := c.decode(&in); refused != nil {
		return nil, refused
	}
	secret := c.secret(in.SecretID)
	if secret == nil {
		return nil, &awsError{http.StatusBadRequest, "ResourceNotFoundException", "Secrets Manager can't find the specified secret."}
	}
	return secret, nil
}

func (c *awsCall) secretEntry(s AWSSecret) map[string]any {
	return map[string]any{
		"ARN": c.secretARN(s.Name), "Name": s.Name, "CreatedDate": worldBegan.Unix(), "LastChangedDate": worldBegan.Unix(),
		"VersionIdsToStages": map[string][]string{uuidOf(s.Name): {"AWSCURRENT"}},
	}
}

func listSecrets(c *awsCall) (any, *awsError) {
	list := []any{}
	for _, s := range c.account.Secrets {
		if s.Region == c.region {
			entry := c.secretEntry(s)
			entry["SecretVersionsToStages"] = entry["VersionIdsToStages"]
			delete(entry, "VersionIdsToStages")
			list = append(list, entry)
		}
	}
	return map[string]any{"SecretList": list}, nil
}

func describeSecret(c *awsCall) (any, *awsError) {
	secret, refused := c.askedSecret()
	if refused != nil {
		return nil, refused
	}
	return c.secretEntry(*secret), nil
}

func getSecretValue(c *awsCall) (any, *awsError) {
	secret, refused := c.askedSecret()
	if refused != nil {
		return nil, refused
	}
	return map[string]any{
		"ARN": c.secretARN(secret.Name), "Name": secret.Name, "VersionId": uuidOf(secret.Name), "SecretString": secret.Value,
		"VersionStages": []string{"AWSCURRENT"}, "CreatedDate": worldBegan.Unix(),
	}, nil
}

func describeLogGroups(c *awsCall) (any, *awsError) {
	var in struct {
		Prefix string `json:"logGroupNamePrefix"`
	}
	if refused := c.decode(&in); refused != nil {
		return nil, refused
	}
	list := []any{}
	for _, g := range c.account.LogGroups {
		if g.Region == c.region && strings.HasPrefix(g.Name, in.Prefix) {
			list = append(list, map[string]any{
				"logGroupName": g.Name, "creationTime": worldBegan.UnixMilli(), "arn": c.arn("logs", "log-group:"+g.Name+":*"), "storedBytes": 4096,
			})
		}
	}
	return map[string]any{"logGroups": list}, nil
}

type filterEventsInput struct {
	Name      string `json:"logGroupName"`
	ARN       string `json:"logGroupIdentifier"`
	Pattern   string `json:"filterPattern"`
	Start     int64  `json:"startTime"`
	End       int64  `json:"endTime"`
	Limit     int    `json:"limit"`
	NextToken string `json:"nextToken"`
}

func (in filterEventsInput) name() string {
	if in.Name != "" {
		return in.Name
	}
	_, name, _ := strings.Cut(in.ARN, ":log-group:")
	return strings.TrimSuffix(name, ":*")
}

func logGroupResource(c *awsCall) []string {
	var in filterEventsInput
	_ = c.decode(&in) // the operation itself refuses what cannot be read
	return []string{c.arn("logs", "log-group:"+in.name()+":log-stream:")}
}

// filterLogEvents knows the simple patterns: words that must all be in a line.
func filterLogEvents(c *awsCall) (any, *awsError) {
	var in filterEventsInput
	if refused := c.decode(&in); refused != nil {
		return nil, refused
	}
	i := slices.IndexFunc(c.account.LogGroups, func(g LogGroup) bool { return g.Name == in.name() && g.Region == c.region })
	if i < 0 {
		return nil, &awsError{http.StatusBadRequest, "ResourceNotFoundException", "The specified log group does not exist."}
	}
	events := []any{}
	for n, e := range c.account.LogGroups[i].Events {
		at := e.Time.UnixMilli()
		if at < in.Start || (in.End > 0 && at > in.End) || !hasWords(e.Message, in.Pattern) {
			continue
		}
		events = append(events, map[string]any{
			"logStreamName": e.Stream, "timestamp": at, "ingestionTime": at, "message": e.Message, "eventId": numberOf(strconv.Itoa(n)),
		})
	}
	if in.Limit > 0 && len(events) > in.Limit {
		events = events[:in.Limit]
	}
	return map[string]any{"events": events, "searchedLogStreams": []any{}}, nil
}

func hasWords(line, pattern string) bool {
	for _, word := range strings.Fields(pattern) {
		if !strings.Contains(line, strings.Trim(word, `"`)) {
			return false
		}
	}
	return true
}

// lambdaAction reads the action and the function's name out of a Lambda path.
func lambdaAction(method string, u *url.URL) (action string, form url.Values) {
	parts := strings.Split(strings.Trim(u.Path, "/"), "/")
	form = u.Query()
	if len(parts) < 2 || parts[1] != "functions" {
		return method + " " + u.Path, form
	}
	if len(parts) > 2 {
		form.Set("FunctionName", parts[2])
	}
	switch {
	case method == http.MethodGet && len(parts) == 2:
		return "ListFunctions", form
	case method == http.MethodGet && len(parts) == 3:
		return "GetFunction", form
	case method == http.MethodGet && len(parts) == 4 && parts[3] == "configuration":
		return "GetFunctionConfiguration", form
	case method == http.MethodPut && len(parts) == 4 && parts[3] == "configuration":
		return "UpdateFunctionConfiguration", form
	}
	return method + " " + u.Path, form
}

func functionResource(c *awsCall) []string {
	return []string{c.arn("lambda", "function:"+c.form.Get("FunctionName"))}
}

func (c *awsCall) function() (*Function, *awsError) {
	name := c.form.Get("FunctionName")
	for i := range c.account.Functions {
		if f := &c.account.Functions[i]; f.Name == name && f.Region == c.region {
			return f, nil
		}
	}
	return nil, &awsError{http.StatusNotFound, "ResourceNotFoundException", "Function not found: " + c.arn("lambda", "function:"+name)}
}

func (c *awsCall) configuration(f Function) map[string]any {
	out := map[string]any{
		"FunctionName": f.Name, "FunctionArn": c.arn("lambda", "function:"+f.Name), "Runtime": f.Runtime, "Handler": "main.handler",
		"Role": "arn:aws:iam::" + c.who.account + ":role/" + f.Name, "MemorySize": 128, "Timeout": 3, "CodeSize": 1024,
		"LastModified": worldBegan.Format("2006-01-02T15:04:05.000+0000"), "Version": "$LATEST", "State": "Active",
	}
	if len(f.Env) > 0 {
		out["Environment"] = map[string]any{"Variables": f.Env}
	}
	return out
}

func listFunctions(c *awsCall) (any, *awsError) {
	list := []any{}
	for _, f := range c.account.Functions {
		if f.Region == c.region {
			list = append(list, c.configuration(f))
		}
	}
	return map[string]any{"Functions": list}, nil
}

func getFunction(c *awsCall) (any, *awsError) {
	f, refused := c.function()
	if refused != nil {
		return nil, refused
	}
	code := map[string]string{"RepositoryType": "S3", "Location": "https://simulated.invalid/" + f.Name + "?X-Amz-Signature=simulated"}
	return map[string]any{"Configuration": c.configuration(*f), "Code": code}, nil
}

func getFunctionConfiguration(c *awsCall) (any, *awsError) {
	f, refused := c.function()
	if refused != nil {
		return nil, refused
	}
	return c.configuration(*f), nil
}

func updateFunction(c *awsCall) (any, *awsError) {
	f, refused := c.function()
	if refused != nil {
		return nil, refused
	}
	var in struct {
		Environment *struct{ Variables map[string]string }
	}
	c.input = c.body
	if refused := c.decode(&in); refused != nil {
		return nil, refused
	}
	if in.Environment != nil {
		f.Env = in.Environment.Variables
	}
	return c.configuration(*f), nil
}

type metricQuery struct {
	ID         string `json:"Id"`
	MetricStat *struct {
		Metric struct{ MetricName string }
		Period int64
	}
}

// getMetricData gives a steady series for whatever metric is asked for.
func getMetricData(c *awsCall) (any, *awsError) {
	var in struct {
		MetricDataQueries  []metricQuery
		StartTime, EndTime float64
	}
	if refused := c.decode(&in); refused != nil {
		return nil, refused
	}
	results := []any{}
	for _, q := range in.MetricDataQueries {
		if q.MetricStat == nil || q.MetricStat.Period < 1 {
			return nil, &awsError{http.StatusBadRequest, "ValidationError", "Each query needs a MetricStat with a Period of at least 1."}
		}
		times, values := []int64{}, []float64{}
		for at := int64(in.StartTime); at < int64(in.EndTime) && len(times) < 500; at += q.MetricStat.Period {
			times, values = append(times, at), append(values, 40+float64(at/q.MetricStat.Period%10))
		}
		results = append(results, map[string]any{"Id": q.ID, "Label": q.MetricStat.Metric.MetricName, "Timestamps": times, "Values": values, "StatusCode": "Complete"})
	}
	return map[string]any{"MetricDataResults": results, "Messages": []any{}}, nil
}

func listMetrics(c *awsCall) (any, *awsError) {
	list := []any{}
	for _, in := range c.account.Instances {
		if in.Region == c.region {
			dimension := map[string]string{"Name": "InstanceId", "Value": in.ID}
			list = append(list, map[string]any{"Namespace": "AWS/EC2", "MetricName": "CPUUtilization", "Dimensions": []any{dimension}})
		}
	}
	return map[string]any{"Metrics": list}, nil
}

func describeAlarms(*awsCall) (any, *awsError) {
	alarm := map[string]any{
		"AlarmName": "checkout-5xx", "StateValue": "ALARM", "StateReason": "Threshold Crossed: 3 datapoints were greater than 5.0.",
		"MetricName": "5XXError", "Namespace": "AWS/ApiGateway", "StateUpdatedTimestamp": float64(worldBegan.Add(5 * time.Minute).Unix()),
	}
	return map[string]any{"MetricAlarms": []any{alarm}, "CompositeAlarms": []any{}}, nil
}
