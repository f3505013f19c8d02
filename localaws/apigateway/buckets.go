package apigateway

import (
	"github.com/gatehouse-portal/gatehouse/localaws/store"
	"github.com/gatehouse-portal/gatehouse/localaws/wire"
)

// The layout of the data file, everything below the bucket "apigateway":
//
//	apis                   API id           -> restAPI
//	resources/<api>        resource id      -> resource, with its methods
//	deployments/<api>      deployment id    -> deployment, with its copy of the resources
//	stages/<api>           stage name       -> stage
//	models/<api>           model name       -> model
//	documentation/<api>    path 0x20 verb   -> documentation
//	closed                 API id           -> how it cannot be called: closedEndpoint, closedAPI
//	domains                domain name      -> domainName
//	mappings/<domain>      base path        -> basePathMapping
//	plans                  plan id          -> usagePlan
//	plankeys/<plan>        key id           -> attachment
//	keyplans/<key>         plan id          -> nothing; the reverse of plankeys
//	keys                   key id           -> apiKey, with its value
//	keyvalues              key value        -> key id
//	keynames               name 0x00 key id -> nothing
//	counts                 "keys"           -> number of keys
//	usage/<plan>           key id / date    -> usage on that day
//	account                "settings"       -> account
func bucket(tx *store.Tx, path ...string) store.Bucket {
	return tx.Bucket(append([]string{"apigateway"}, path...)...)
}

func drop(tx *store.Tx, path ...string) error {
	return tx.Drop(append([]string{"apigateway"}, path...)...)
}

func freshID(b store.Bucket, length int) string {
	for {
		if id := wire.NewID(length); b.Get([]byte(id)) == nil {
			return id
		}
	}
}
