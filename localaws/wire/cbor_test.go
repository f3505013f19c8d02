package wire_test

import (
	"bytes"
	"context"
	"errors"
	"math"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/aws/smithy-go/encoding/cbor"
	"github.com/google/go-cmp/cmp"

	"github.com/gatehouse-portal/gatehouse/localaws/wire"
)

type orderIn struct {
	Name   string
	Count  *int
	Tags   []string
	Nested struct{ Flag bool }
}

type orderOut struct {
	Name    string            `json:"name"`
	Count   int               `json:"count"`
	Missing string            `json:"missing,omitempty"`
	Never   wire.Epoch        `json:"never,omitzero"`
	At      wire.Epoch        `json:"at"`
	Tags    []string          `json:"tags"`
	Labels  map[string]string `json:"labels"`
	Inner   *struct {
		Price float64
		Open  bool
	} `json:"inner"`
	None *int `json:"none"`
}

func orders(place func(context.Context, *orderIn) (*orderOut, error)) wire.CBORService {
	return wire.CBORService{JSONService: wire.JSONService{
		Target: "Orders_v1", Shape: "com.amazonaws.orders", Operations: map[string]wire.Operation{"Place": wire.Op(place)},
	}}
}

// sendCBOR posts a body and decodes the answer.
func sendCBOR(t *testing.T, service http.Handler, operation string, body []byte) (int, cbor.Map) {
	t.Helper()
	r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/service/Orders_v1/operation/"+operation, bytes.NewReader(body))
	r.Header.Set("Smithy-Protocol", "rpc-v2-cbor")
	w := httptest.NewRecorder()
	service.ServeHTTP(w, r)
	if w.Header().Get("Smithy-Protocol") != "rpc-v2-cbor" || w.Header().Get("Content-Type") != "application/cbor" {
		t.Errorf("the answer has the headers %v", w.Header())
	}
	value, err := cbor.Decode(w.Body.Bytes())
	answer, ok := value.(cbor.Map)
	if err != nil || !ok {
		t.Fatalf("the answer is %x: %v", w.Body.Bytes(), err)
	}
	return w.Code, answer
}

func TestACBORRequestIsDecodedAndItsAnswerEncoded(t *testing.T) {
	t.Parallel()
	at := time.Date(2026, 8, 20, 14, 23, 11, 13e6, time.UTC)
	service := orders(func(_ context.Context, in *orderIn) (*orderOut, error) {
		if in.Name != "n" || *in.Count != -3 || len(in.Tags) != 2 || !in.Nested.Flag {
			t.Errorf("decoded %+v", in)
		}
		out := &orderOut{Name: "ö", Count: -3, At: wire.Epoch{Time: at}, Tags: []string{"a"}, Labels: map[string]string{"k": "v"}}
		out.Inner = &struct {
			Price float64
			Open  bool
		}{1.5, true}
		return out, nil
	})
	status, answer := sendCBOR(t, service, "Place", cbor.Encode(cbor.Map{
		"Name": cbor.String("n"), "Count": cbor.NegInt(3), "Tags": cbor.List{cbor.String("a"), cbor.String("b")},
		"Nested": cbor.Map{"Flag": cbor.Bool(true)},
	}))
	want := cbor.Map{
		"name": cbor.String("ö"), "count": cbor.NegInt(3), "at": &cbor.Tag{ID: 1, Value: cbor.Float64(1787235791.013)},
		"tags": cbor.List{cbor.String("a")}, "labels": cbor.Map{"k": cbor.String("v")},
		"inner": cbor.Map{"Price": cbor.Float64(1.5), "Open": cbor.Bool(true)}, "none": &cbor.Nil{},
	}
	if diff := cmp.Diff(want, answer); diff != "" || status != http.StatusOK {
		t.Errorf("answered %d (-want +got):\n%s", status, diff)
	}
}

func TestHostileCBORIsRefused(t *testing.T) {
	t.Parallel()
	service := orders(func(context.Context, *orderIn) (*orderOut, error) {
		t.Error("the operation was executed")
		return &orderOut{}, nil
	})
	for name, c := range map[string]struct {
		body []byte
		code string
	}{
		"text":                        {[]byte("hello"), "SerializationException"},
		"a map that is cut off":       {[]byte{0xbf, 0x61}, "SerializationException"},
		"a text longer than the body": {[]byte{0x7b, 0x7f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff}, "SerializationException"},
		"a list longer than the body": {[]byte{0x9b, 0x7f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff}, "SerializationException"},
		"deep nesting":                {bytes.Repeat([]byte{0x81}, 1<<16), "SerializationException"},
		"a number of 64 bits below 0": {cbor.Encode(cbor.Map{"Count": cbor.NegInt(math.MaxUint64)}), "SerializationException"},
		"not a number":                {cbor.Encode(cbor.Map{"Count": cbor.Float64(math.NaN())}), "SerializationException"},
		"a tag that is no time":       {cbor.Encode(cbor.Map{"Name": &cbor.Tag{ID: 2, Value: cbor.String("x")}}), "SerializationException"},
		"a text for a number":         {cbor.Encode(cbor.Map{"Count": cbor.String("3")}), "SerializationException"},
		"a list":                      {cbor.Encode(cbor.List{}), "SerializationException"},
		"an unknown member":           {cbor.Encode(cbor.Map{"Price": cbor.Uint(1)}), "NotImplementedException"},
	} {
		t.Run(name, func(t *testing.T) {
			status, answer := sendCBOR(t, service, "Place", c.body)
			if status < 400 || answer["__type"] != cbor.String("com.amazonaws.orders#"+c.code) {
				t.Errorf("answered %d %v, want %s", status, answer, c.code)
			}
		})
	}
}

func TestErrorsHaveTheirMembersInCBOR(t *testing.T) {
	t.Parallel()
	service := orders(func(context.Context, *orderIn) (*orderOut, error) {
		return nil, &wire.Error{Code: "ValidationException", Message: "No.", Fields: map[string]any{"fields": []struct {
			Name string `json:"name"`
		}{{"a"}}}}
	})
	status, answer := sendCBOR(t, service, "Place", nil)
	want := cbor.Map{
		"__type": cbor.String("com.amazonaws.orders#ValidationException"), "message": cbor.String("No."),
		"fields": cbor.List{cbor.Map{"name": cbor.String("a")}},
	}
	if diff := cmp.Diff(want, answer); diff != "" || status != http.StatusBadRequest {
		t.Errorf("answered %d (-want +got):\n%s", status, diff)
	}
	status, answer = sendCBOR(t, orders(func(context.Context, *orderIn) (*orderOut, error) { return nil, errors.New("secret") }), "Place", nil)
	if text, _ := answer["message"].(cbor.String); status != http.StatusInternalServerError || strings.Contains(string(text), "secret") {
		t.Errorf("an internal failure is answered %d %v", status, answer)
	}
	if status, answer = sendCBOR(t, service, "Cancel", nil); status != http.StatusNotImplemented {
		t.Errorf("an unknown operation is answered %d %v", status, answer)
	}
}

func TestTheOperationIsInThePath(t *testing.T) {
	t.Parallel()
	for path, want := range map[string][2]string{
		"/service/S/operation/O":      {"S", "O"},
		"/base/service/S/operation/O": {"S", "O"},
		"/service/S/O":                {},
		"/service/S/operation":        {},
		"/a/b/c/d":                    {},
	} {
		r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, path, nil)
		if service, operation := wire.CBOROperation(r); service+operation != "" {
			t.Errorf("%s is taken for RPC without the header", path)
		}
		r.Header.Set("Smithy-Protocol", "rpc-v2-cbor")
		if service, operation := wire.CBOROperation(r); service != want[0] || operation != want[1] {
			t.Errorf("%s is %q of %q, want %v", path, operation, service, want)
		}
	}
}
