package handlers

import (
	"github.com/gatehouse-portal/gatehouse/events"
	"github.com/gatehouse-portal/gatehouse/portal"
	"github.com/gatehouse-portal/gatehouse/state"
)

// KeyRenaming decides on KeyRenameRequested. The name is for people, so API Gateway does not
// change. A key that has the name yields RequestUnchanged, and so does a second delivery.
func KeyRenaming(account state.Account, req events.KeyRenameRequested, _ string) []events.Fact {
	decides := events.Decides{Scopes: req.Scopes()}
	key, ok := account.Keys[req.Key]
	name, err := portal.KeyName(req.Name)
	switch {
	case !ok:
		return reject(decides, portal.NotFound, noSuchKey)
	case !key.Live():
		return reject(decides, portal.Conflict, key.Name+" has ended, so it keeps its name.")
	case err != nil:
		return reject(decides, portal.Invalid, portal.MessageOf(err))
	case key.Name == name:
		return []events.Fact{events.RequestUnchanged{Decides: decides}}
	}
	return []events.Fact{events.KeyRenamed{Decides: decides, Key: req.Key, Name: name}}
}
