package cognito

import (
	"context"
	"errors"

	"github.com/gatehouse-portal/gatehouse/localaws/store"
)

// deleteUserPool also deletes users, groups and clients. Sessions and tokens become invalid,
// because they name the pool or a client.
func (s *Service) deleteUserPool(_ context.Context, in *poolIDInput) (*none, error) {
	var c constraints
	c.Text("userPoolId", in.UserPoolID, 55)
	if err := c.err(); err != nil {
		return nil, err
	}
	err := s.env.DB.Update(func(tx *store.Tx) error {
		p, err := findPool(tx, in.UserPoolID)
		switch {
		case err != nil:
			return err
		case p.DeletionProtection == "ACTIVE":
			return invalid("The user pool cannot be deleted because deletion protection is activated. Deletion protection must be inactivated first.")
		case p.Domain != "":
			return invalid("User pool cannot be deleted. It has a domain configured that should be deleted first.")
		}
		clients, err := store.AllJSON[client](clientsIn(tx))
		if err != nil {
			return err
		}
		for _, c := range clients {
			if c.PoolID == p.ID {
				if err := clientsIn(tx).Delete([]byte(c.ID)); err != nil {
					return err
				}
			}
		}
		for _, kind := range []string{"users", "emails", "groups", "attempts", "mail codes"} {
			if err := tx.Drop("cognito", kind, p.ID); err != nil {
				return err
			}
		}
		return errors.Join(signingKeysIn(tx).Delete([]byte(p.ID)), poolsIn(tx).Delete([]byte(p.ID)))
	})
	if err != nil {
		return nil, err
	}
	s.signers.Delete(in.UserPoolID)
	return &none{}, nil
}

func (s *Service) deleteUserPoolClient(_ context.Context, in *clientIDInput) (*none, error) {
	var v constraints
	v.Text("clientId", in.ClientID, 128)
	if err := v.err(); err != nil {
		return nil, err
	}
	return &none{}, s.env.DB.Update(func(tx *store.Tx) error {
		c, err := findClientOf(tx, in.UserPoolID, in.ClientID)
		if err != nil {
			return err
		}
		return clientsIn(tx).Delete([]byte(c.ID))
	})
}

type deleteUserPoolDomainInput struct {
	Domain     string
	UserPoolID string `json:"UserPoolId"`
}

func (s *Service) deleteUserPoolDomain(_ context.Context, in *deleteUserPoolDomainInput) (*none, error) {
	return &none{}, s.env.DB.Update(func(tx *store.Tx) error {
		p, err := findPool(tx, in.UserPoolID)
		if err != nil {
			return err
		}
		if p.Domain == "" || p.Domain != in.Domain {
			return invalid("No such domain or user pool exists.")
		}
		p.Domain = ""
		if err := domainsIn(tx).Delete([]byte(in.Domain)); err != nil {
			return err
		}
		return store.PutJSON(poolsIn(tx), p.ID, p)
	})
}
