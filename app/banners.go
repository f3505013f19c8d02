package app

import (
	"github.com/gatehouse-portal/gatehouse/banners"
	"github.com/gatehouse-portal/gatehouse/members"
)

// OpenBanners returns the banners, and who this operator is. It makes no call.
func OpenBanners(p Process) (*banners.Store, banners.Author) {
	c, names := newClients(p.AWS), NamesFor(p.Config.Prefix)
	return banners.NewStore(c.dynamodb, names.Records, members.NewStore(c.dynamodb, names.Records, p.now()), p.now()), banners.Author{Operator: operator()}
}
