package events

import "encoding/json"

// Unknown is a recorded fact of a type that this program does not know: newer code has
// appended it, and old workers read the stream while the new ones are being rolled out.
// Folds and views pass over it, unless Must says that nobody may: then deciding and
// converging wait for a worker that knows the type. It is published as it stands, under
// its own type.
type Unknown struct {
	Type string
	Data json.RawMessage
	// Must is the extension "mustunderstand" as it was recorded.
	Must bool
}

// EventType is the type that the fact was recorded under.
func (u Unknown) EventType() string { return u.Type }

func (Unknown) isFact() {}

// MustUnderstand says whether workers that do not know the type have to wait for newer ones.
func (u Unknown) MustUnderstand() bool { return u.Must }

// MarshalJSON is the data as it was recorded.
func (u Unknown) MarshalJSON() ([]byte, error) { return u.Data, nil }

// DecodeRecorded is Decode for what stands in a journal, where a fact of a type that
// this program does not know is no fault: it is read as Unknown. Messages from queues
// are read by Decode, since there somebody has to carry them out.
func DecodeRecorded(body []byte) (Event, error) {
	return decodeAs(body, func(env envelope) (Payload, error) {
		if _, known := types[env.Type]; known || env.Type == "" || env.Sequence == "" || len(env.Data) == 0 {
			return env.payload()
		}
		return Unknown{Type: env.Type, Data: env.Data, Must: env.MustUnderstand == "true"}, nil
	})
}
