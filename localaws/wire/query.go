package wire

import (
	"context"
	"encoding/xml"
	"net/http"
	"net/url"
	"strconv"
)

// QueryOperation answers one call of the Query protocol. Its result becomes XML inside
// <NameResult>; nil omits that element.
type QueryOperation func(ctx context.Context, form url.Values) (any, error)

// QueryService is a service with the Query protocol: a form in, XML out.
type QueryService struct {
	// Version is the API version in the request, e.g. "2010-03-31".
	Version string
	// Namespace is the responses' XML namespace.
	Namespace  string
	Operations map[string]QueryOperation
}

// ServeHTTP runs the operation named by Action. The form must be parsed.
func (s QueryService) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	name := r.PostForm.Get("Action")
	op, ok := s.Operations[name]
	requestID := NewUUID()
	w.Header().Set("Content-Type", "text/xml")
	w.Header().Set("X-Amzn-Requestid", requestID)
	if !ok {
		writeQueryError(w, s.Namespace, requestID, NotImplemented(name))
		return
	}
	out, err := op(WithRequest(r.Context(), r), r.PostForm)
	if err != nil {
		writeQueryError(w, s.Namespace, requestID, asError(r.Context(), err))
		return
	}
	body, err := queryAnswer(s.Namespace, name, requestID, out)
	if err != nil {
		writeQueryError(w, s.Namespace, requestID, asError(r.Context(), err))
		return
	}
	w.Header().Set("Content-Length", strconv.Itoa(len(body)))
	_, _ = w.Write(body)
}

func queryAnswer(namespace, name, requestID string, out any) ([]byte, error) {
	var result []byte
	if out != nil {
		var err error
		start := xml.StartElement{Name: xml.Name{Local: name + "Result"}}
		if result, err = marshalElement(out, start); err != nil {
			return nil, err
		}
	}
	return xml.Marshal(struct {
		XMLName   xml.Name
		Namespace string `xml:"xmlns,attr"`
		Result    []byte `xml:",innerxml"`
	}{
		XMLName:   xml.Name{Local: name + "Response"},
		Namespace: namespace,
		Result:    append(result, []byte("<ResponseMetadata><RequestId>"+requestID+"</RequestId></ResponseMetadata>")...),
	})
}

func writeQueryError(w http.ResponseWriter, namespace, requestID string, e *Error) {
	type body struct {
		XMLName   xml.Name `xml:"ErrorResponse"`
		Namespace string   `xml:"xmlns,attr"`
		Type      string   `xml:"Error>Type"`
		Code      string   `xml:"Error>Code"`
		Message   string   `xml:"Error>Message"`
		RequestID string   `xml:"RequestId"`
	}
	fault := "Sender"
	if e.HTTPStatus() >= http.StatusInternalServerError {
		fault = "Receiver"
	}
	out, _ := xml.Marshal(body{Namespace: namespace, Type: fault, Code: e.Code, Message: e.Message, RequestID: requestID})
	w.WriteHeader(e.HTTPStatus())
	_, _ = w.Write(out)
}
