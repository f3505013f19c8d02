package wire

import (
	"bytes"
	"encoding/json"
	"sync"
)

// maxKept is the largest body whose decoder is kept. A decoder keeps a buffer of at least
// the size of its body.
const maxKept = 64 << 10

// decoder decodes one body after another. Only a json.Decoder can refuse unknown members,
// and a new one for every request would grow a new buffer each time.
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

// decode reads the JSON value at the start of the body. The result must not refer to the
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

// exhausted reports whether the decoder has consumed the whole body.
func (d *decoder) exhausted() bool {
	_, err := d.json.Buffered().Read(make([]byte, 1))
	return d.body.Len() == 0 && err != nil
}
