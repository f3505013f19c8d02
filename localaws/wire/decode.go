package wire

import (
	"bytes"
	"encoding/json"
	"sync"
)

// maxKept limits the bodies whose decoder is kept, because it keeps as large a buffer.
const maxKept = 64 << 10

// decoder is reused. Only a json.Decoder can refuse unknown members, and each new one would
// grow a new buffer.
type decoder struct {
	body bytes.Reader
	json *json.Decoder
}

var decoders = sync.Pool{New: func() any {
	d := &decoder{}
	d.json = json.NewDecoder(&d.body)
	d.json.DisallowUnknownFields()
	return d
}}

// decode decodes the JSON at the start of the body. The result must not refer to the
// decoder's buffer: encoding/json copies, and so must every UnmarshalJSON.
func decode(body []byte, into any) error {
	d := decoders.Get().(*decoder)
	d.body.Reset(body)
	err := d.json.Decode(into)
	if err == nil && len(body) <= maxKept && d.exhausted() {
		d.body.Reset(nil)
		decoders.Put(d)
	}
	return err
}

func (d *decoder) exhausted() bool {
	_, err := d.json.Buffered().Read(make([]byte, 1))
	return d.body.Len() == 0 && err != nil
}
