package wire

import (
	"net/http"
	"reflect"
	"strconv"
	"strings"

	"github.com/aws/smithy-go/encoding/cbor"
)

// CBORService serves a JSONService over RPC v2 CBOR, which newer SDKs prefer:
// https://smithy.io/2.0/additional-specs/protocols/smithy-rpc-v2.html
type CBORService struct{ JSONService }

// CBOROperation returns the service and operation that a request of RPC v2 CBOR names,
// else "".
func CBOROperation(r *http.Request) (service, operation string) {
	if r.Header.Get("Smithy-Protocol") != "rpc-v2-cbor" {
		return "", ""
	}
	parts := strings.Split(r.URL.Path, "/")
	if len(parts) < 5 || parts[len(parts)-4] != "service" || parts[len(parts)-2] != "operation" {
		return "", ""
	}
	return parts[len(parts)-3], parts[len(parts)-1]
}

// ServeHTTP runs the operation named in the path.
func (s CBORService) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	_, name := CBOROperation(r)
	w.Header().Set("Content-Type", "application/cbor")
	w.Header().Set("Smithy-Protocol", "rpc-v2-cbor")
	w.Header().Set("X-Amzn-Requestid", NewUUID())
	out, err := s.call(r, name)
	var body cbor.Value
	if err == nil {
		body, err = toCBOR(reflect.ValueOf(out))
	}
	status := http.StatusOK
	if err != nil {
		e := asError(r.Context(), err)
		body, status = s.errorCBOR(e), e.HTTPStatus()
	}
	encoded := cbor.Encode(body)
	w.Header().Set("Content-Length", strconv.Itoa(len(encoded)))
	w.WriteHeader(status)
	_, _ = w.Write(encoded)
}

func (s CBORService) call(r *http.Request, name string) (any, error) {
	op, ok := s.Operations[name]
	if !ok {
		return nil, NotImplemented(s.Target + "." + name)
	}
	body, err := ReadBody(r)
	if err != nil {
		return nil, err
	}
	if len(body) > 0 {
		if body, err = jsonOfCBOR(body); err != nil {
			return nil, err
		}
	}
	return op(WithRequest(r.Context(), r), body)
}

func (s CBORService) errorCBOR(e *Error) cbor.Value {
	fields := cbor.Map{"__type": cbor.String(s.Shape + "#" + e.Code), "message": cbor.String(e.Message)}
	for name, value := range e.Fields {
		if v, err := toCBOR(reflect.ValueOf(value)); err == nil {
			fields[name] = v
		}
	}
	return fields
}
