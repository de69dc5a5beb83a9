package egress

import (
	"bytes"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"time"
)

// readHello reads what TLS begins with and gives it back, with the server name in it: a tunnel to one host must not be
// used to ask for another that answers at the same address.
func readHello(r io.Reader) (read io.Reader, name string, err error) {
	var seen bytes.Buffer
	stop := errors.New("seen")
	err = tls.Server(listening{r: io.TeeReader(r, &seen)}, &tls.Config{
		MinVersion: tls.VersionTLS12,
		GetConfigForClient: func(h *tls.ClientHelloInfo) (*tls.Config, error) {
			name = h.ServerName
			return nil, stop
		},
	}).Handshake() //nolint:noctx // the connection has a deadline
	if !errors.Is(err, stop) {
		return nil, "", errors.New("what was sent is not TLS")
	}
	return &seen, name, nil
}

// listening is a connection that is read and never answered.
type listening struct{ r io.Reader }

func (c listening) Read(b []byte) (int, error)     { return c.r.Read(b) }
func (listening) Write([]byte) (int, error)        { return 0, io.ErrClosedPipe }
func (listening) Close() error                     { return nil }
func (listening) LocalAddr() net.Addr              { return nil }
func (listening) RemoteAddr() net.Addr             { return nil }
func (listening) SetDeadline(time.Time) error      { return nil }
func (listening) SetReadDeadline(time.Time) error  { return nil }
func (listening) SetWriteDeadline(time.Time) error { return nil }
