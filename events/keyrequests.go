package events

import (
	"time"

	"github.com/gatehouse-portal/gatehouse/portal"
)

// KeyRequested asks for another key of the ring, "" for the account's. It works until Ends, nil
// for no end.
type KeyRequested struct {
	Ring portal.Ring `json:"ring,omitempty"`
	Name string      `json:"name"`
	Ends *time.Time  `json:"ends,omitempty"`
}

// KeyRenameRequested asks to call the key by another name.
type KeyRenameRequested struct {
	Key  portal.KeyID `json:"key"`
	Name string       `json:"name"`
}

// KeyRotationRequested asks to replace the key by a new one. The old one works for Overlap longer,
// in seconds. Leaked asks to end the old one first.
type KeyRotationRequested struct {
	Key     portal.KeyID `json:"key"`
	Overlap int64        `json:"overlap,omitempty"`
	Leaked  bool         `json:"leaked,omitempty"`
}

// KeyEndRequested asks to end the key at that time, or now. Without a time and with Keep, the key
// should not end. A worker sends it when the key should end, with Due, its end then; if the end
// has moved since, the request has no effect.
type KeyEndRequested struct {
	Key    portal.KeyID `json:"key"`
	At     *time.Time   `json:"at,omitempty"`
	Keep   bool         `json:"keep,omitempty"`
	Due    *time.Time   `json:"due,omitempty"`
	Reason EndReason    `json:"reason,omitempty"`
}

// KeyEndNoticeRequested asks to tell the owner that the key ends at Ends. A worker sends it at
// the time At, or later. It has no effect if the end has moved, or the owner was told since At.
type KeyEndNoticeRequested struct {
	Key  portal.KeyID `json:"key"`
	Ends time.Time    `json:"ends"`
	At   time.Time    `json:"at"`
}

func (KeyRequested) EventType() string          { return "gatehouse.KeyRequested.v1" }
func (KeyRenameRequested) EventType() string    { return "gatehouse.KeyRenameRequested.v1" }
func (KeyRotationRequested) EventType() string  { return "gatehouse.KeyRotationRequested.v1" }
func (KeyEndRequested) EventType() string       { return "gatehouse.KeyEndRequested.v1" }
func (KeyEndNoticeRequested) EventType() string { return "gatehouse.KeyEndNoticeRequested.v1" }

func (KeyRequested) Scopes() []portal.Scope { return []portal.Scope{portal.KeysScope} }
func (r KeyRenameRequested) Scopes() []portal.Scope {
	return []portal.Scope{portal.KeyNameScope(r.Key)}
}
func (r KeyRotationRequested) Scopes() []portal.Scope { return []portal.Scope{portal.KeyScope(r.Key)} }
func (r KeyEndRequested) Scopes() []portal.Scope      { return []portal.Scope{portal.KeyScope(r.Key)} }
func (KeyEndNoticeRequested) Scopes() []portal.Scope  { return nil }
