package wire

import (
	"bytes"
	"encoding/json"
	"sync"
)

// maxKept is up to what size of a body its decoder, and with it a buffer of at least
// that size, is kept.
const maxKept = 64 << 10

// decoder decodes one body after the other. It refuses unknown members, which of
// encoding/json only a Decoder can, and a new one for every request would grow a new
// buffer each time.
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

// decode reads the value that the body begins with. What is decoded does not refer to
// the decoder's buffer: encoding/json copies, and so must every UnmarshalJSON.
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

// exhausted reports whether nothing of the body is left that the next would seem to
// begin with.
func (d *decoder) exhausted() bool {
	_, err := d.json.Buffered().Read(make([]byte, 1))
	return d.body.Len() == 0 && err != nil
}
