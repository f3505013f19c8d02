package cognito

import (
	"context"
	"regexp"

	"github.com/gatehouse-portal/gatehouse/localaws/store"
)

var domainPattern = regexp.MustCompile(`^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$`)

func domainsIn(tx *store.Tx) store.Bucket { return tx.Bucket("cognito", "domains") }

type createUserPoolDomainInput struct {
	Domain              string
	UserPoolID          string `json:"UserPoolId"`
	ManagedLoginVersion int
}

// createUserPoolDomain only stores the domain. All pools' pages are at the local
// endpoint, and are the same in both versions.
func (s *Service) createUserPoolDomain(_ context.Context, in *createUserPoolDomainInput) (*none, error) {
	var c constraints
	c.Text("domain", in.Domain, 63)
	c.Matches("domain", in.Domain, domainPattern)
	c.Within("managedLoginVersion", &in.ManagedLoginVersion, 0, 2)
	if err := c.err(); err != nil {
		return nil, err
	}
	err := s.env.DB.Update(func(tx *store.Tx) error {
		p, err := findPool(tx, in.UserPoolID)
		if err != nil {
			return err
		}
		domains := domainsIn(tx)
		switch {
		case domains.Get([]byte(in.Domain)) != nil:
			return invalid("Domain already associated with another user pool.")
		case p.Domain != "":
			return invalid("User pool already has a domain configured.")
		}
		p.Domain, p.ManagedLoginVersion = in.Domain, max(1, in.ManagedLoginVersion)
		if err := domains.Put([]byte(in.Domain), []byte(p.ID)); err != nil {
			return err
		}
		return store.PutJSON(poolsIn(tx), p.ID, p)
	})
	return &none{}, err
}

type describeUserPoolDomainInput struct{ Domain string }

type describeUserPoolDomainOutput struct {
	DomainDescription domainDescription `json:"DomainDescription"`
}

type domainDescription struct {
	UserPoolID   string `json:"UserPoolId,omitempty"`
	AWSAccountID string `json:"AWSAccountId,omitempty"`
	Domain       string `json:"Domain,omitempty"`
	Status       string `json:"Status,omitempty"`

	ManagedLoginVersion int `json:"ManagedLoginVersion,omitempty"`
}

// describeUserPoolDomain describes an unknown domain as empty, like Cognito.
func (s *Service) describeUserPoolDomain(_ context.Context, in *describeUserPoolDomainInput) (*describeUserPoolDomainOutput, error) {
	out := new(describeUserPoolDomainOutput)
	err := s.env.DB.View(func(tx *store.Tx) error {
		id := domainsIn(tx).Get([]byte(in.Domain))
		if id == nil {
			return nil
		}
		p, err := findPool(tx, string(id))
		out.DomainDescription = domainDescription{
			UserPoolID: string(id), AWSAccountID: s.env.Account, Domain: in.Domain, Status: "ACTIVE",
			ManagedLoginVersion: max(1, p.ManagedLoginVersion),
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	return out, nil
}
