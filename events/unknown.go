package events

import "encoding/json"

// Unknown is a recorded fact of a type that only newer code knows. Folds and views ignore it,
// unless Must is set: then deciding and converging wait for a worker that knows the type. It is
// published unchanged, under its own type.
type Unknown struct {
	Type string
	Data json.RawMessage
	// Must is the recorded extension "mustunderstand".
	Must bool
}

// EventType is the recorded type.
func (u Unknown) EventType() string { return u.Type }

func (Unknown) isFact() {}

// MustUnderstand reports whether workers that do not know the type must wait for newer ones.
func (u Unknown) MustUnderstand() bool { return u.Must }

// MarshalJSON returns the data as recorded.
func (u Unknown) MarshalJSON() ([]byte, error) { return u.Data, nil }

// DecodeRecorded decodes journal entries. Unlike Decode, it reads a fact of an unknown type as
// Unknown, since a recorded fact need not be carried out.
func DecodeRecorded(body []byte) (Event, error) {
	return decodeAs(body, func(env envelope) (Payload, error) {
		if _, known := types[env.Type]; known || env.Type == "" || env.Sequence == "" || len(env.Data) == 0 {
			return env.payload()
		}
		return Unknown{Type: env.Type, Data: env.Data, Must: env.MustUnderstand == "true"}, nil
	})
}
