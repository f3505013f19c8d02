package app

import (
	"github.com/gatehouse-portal/gatehouse/handlers"
)

// Letters opens the dead letters for the command line; call done in the end.
func Letters(p Process) (box handlers.LetterBox, done func() error) {
	c, names := newClients(p.AWS), NamesFor(p.Config.Prefix)
	sender := newMessaging(c, names)
	return handlers.LetterBox{Tables: c.dynamodb, Records: names.Records, Sender: sender, Now: p.now()}, sender.close
}
