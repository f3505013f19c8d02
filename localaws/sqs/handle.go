package sqs

import (
	"encoding/base64"
	"encoding/binary"

	"github.com/gatehouse-portal/gatehouse/localaws/wire"
)

// A receipt handle names one receive. It is base64 of
//
//	1 byte version | queue id | 8 bytes sequence number | 8 bytes nonce of the receive
const handleVersion = 1

func (q *queue) handle(m *message) string {
	raw := append([]byte{handleVersion}, q.ID...)
	raw = binary.BigEndian.AppendUint64(raw, m.seq)
	raw = binary.BigEndian.AppendUint64(raw, m.Nonce)
	return base64.StdEncoding.EncodeToString(raw)
}

// received returns nil for a deleted message. current means that the handle is the latest. A
// handle of another queue is an error.
func (q *queue) received(handle string) (m *message, current bool, err error) {
	raw, decodeErr := base64.StdEncoding.DecodeString(handle)
	prefix := string(append([]byte{handleVersion}, q.ID...))
	if decodeErr != nil || len(raw) != len(prefix)+16 || string(raw[:len(prefix)]) != prefix {
		return nil, false, invalidHandle(handle)
	}
	seq := binary.BigEndian.Uint64(raw[len(prefix):])
	nonce := binary.BigEndian.Uint64(raw[len(prefix)+8:])
	m = q.messages[seq]
	if m == nil && seq > q.last {
		return nil, false, invalidHandle(handle)
	}
	return m, m != nil && m.Nonce == nonce, nil
}

func invalidHandle(handle string) *wire.Error {
	return plainRefusal("ReceiptHandleIsInvalid", "The input receipt handle \"%s\" is not a valid receipt handle.", handle)
}

func expiredHandle(handle string) *wire.Error {
	return invalidValue(handle, "ReceiptHandle", "The receipt handle has expired.")
}
