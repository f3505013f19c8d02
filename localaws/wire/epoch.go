package wire

import (
	"encoding/json"
	"time"
)

// Epoch is a time in an answer: seconds since 1970 in JSON, a tagged number in CBOR.
// Leave out the zero value with omitzero.
type Epoch struct{ time.Time }

// MarshalJSON writes seconds with milliseconds as decimals.
func (e Epoch) MarshalJSON() ([]byte, error) { return json.Marshal(e.seconds()) }

func (e Epoch) seconds() float64 { return float64(e.UnixMilli()) / 1000 }
