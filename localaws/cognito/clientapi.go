package cognito

import (
	"cmp"
	"context"
	"slices"

	"github.com/gatehouse-portal/gatehouse/localaws/store"
)

const clientAlphabet = "abcdefghijklmnopqrstuvwxyz0123456789"

type createUserPoolClientInput struct {
	UserPoolID     string `json:"UserPoolId"`
	ClientName     string
	GenerateSecret bool
	clientSettings
}

type userPoolClientOutput struct {
	UserPoolClient clientDetails `json:"UserPoolClient"`
}

type clientDetails struct {
	UserPoolID       string  `json:"UserPoolId"`
	ClientID         string  `json:"ClientId"`
	ClientName       string  `json:"ClientName"`
	ClientSecret     string  `json:"ClientSecret,omitempty"`
	CreationDate     float64 `json:"CreationDate"`
	LastModifiedDate float64 `json:"LastModifiedDate"`
	clientSettings
}

func (c client) details() *userPoolClientOutput {
	return &userPoolClientOutput{clientDetails{
		UserPoolID: c.PoolID, ClientID: c.ID, ClientName: c.Name, ClientSecret: c.Secret,
		CreationDate: epoch(c.Created), LastModifiedDate: epoch(c.Modified), clientSettings: c.Settings,
	}}
}

func (s *Service) createUserPoolClient(_ context.Context, in *createUserPoolClientInput) (*userPoolClientOutput, error) {
	var v constraints
	v.Text("userPoolId", in.UserPoolID, 55)
	v.Text("clientName", in.ClientName, 128)
	v.Matches("clientName", in.ClientName, namePattern)
	if err := v.err(); err != nil {
		return nil, err
	}
	in.complete()
	if err := in.clientSettings.validate(); err != nil {
		return nil, err
	}
	now := s.env.Now()
	c := client{
		ID: randomText(clientAlphabet, 26), PoolID: in.UserPoolID, Name: in.ClientName,
		Settings: in.clientSettings, Created: now, Modified: now,
	}
	if in.GenerateSecret {
		c.Secret = randomText(clientAlphabet, 51)
	}
	err := s.env.DB.Update(func(tx *store.Tx) error {
		if _, err := findPool(tx, in.UserPoolID); err != nil {
			return err
		}
		return store.PutJSON(clientsIn(tx), c.ID, c)
	})
	if err != nil {
		return nil, err
	}
	return c.details(), nil
}

type updateUserPoolClientInput struct {
	UserPoolID string `json:"UserPoolId"`
	ClientID   string `json:"ClientId"`
	ClientName string
	clientSettings
}

// updateUserPoolClient replaces all settings: omitted ones return to their defaults. Id, secret
// and, unless given, name stay.
func (s *Service) updateUserPoolClient(_ context.Context, in *updateUserPoolClientInput) (*userPoolClientOutput, error) {
	var v constraints
	v.Text("clientId", in.ClientID, 128)
	v.Matches("clientName", in.ClientName, namePattern)
	if err := v.err(); err != nil {
		return nil, err
	}
	in.complete()
	if err := in.clientSettings.validate(); err != nil {
		return nil, err
	}
	var updated client
	err := s.env.DB.Update(func(tx *store.Tx) error {
		c, err := findClientOf(tx, in.UserPoolID, in.ClientID)
		if err != nil {
			return err
		}
		c.Name = cmp.Or(in.ClientName, c.Name)
		c.Settings = in.clientSettings
		c.Modified = s.env.Now()
		updated = c
		return store.PutJSON(clientsIn(tx), c.ID, c)
	})
	if err != nil {
		return nil, err
	}
	return updated.details(), nil
}

type clientIDInput struct {
	UserPoolID string `json:"UserPoolId"`
	ClientID   string `json:"ClientId"`
}

func (s *Service) describeUserPoolClient(_ context.Context, in *clientIDInput) (*userPoolClientOutput, error) {
	var v constraints
	v.Text("clientId", in.ClientID, 128)
	if err := v.err(); err != nil {
		return nil, err
	}
	var c client
	err := s.env.DB.View(func(tx *store.Tx) (err error) {
		c, err = findClientOf(tx, in.UserPoolID, in.ClientID)
		return err
	})
	if err != nil {
		return nil, err
	}
	return c.details(), nil
}

// findClientOf does not find clients of other pools.
func findClientOf(tx *store.Tx, poolID, clientID string) (client, error) {
	if _, err := findPool(tx, poolID); err != nil {
		return client{}, err
	}
	c, err := findClient(tx, clientID)
	if err != nil {
		return client{}, err
	}
	if c.PoolID != poolID {
		return client{}, notFound("User pool client %s does not exist.", clientID)
	}
	return c, nil
}

type listUserPoolClientsInput struct {
	UserPoolID string `json:"UserPoolId"`
	MaxResults *int
	NextToken  string
}

type listUserPoolClientsOutput struct {
	UserPoolClients []clientEntry `json:"UserPoolClients"`
	NextToken       string        `json:"NextToken,omitempty"`
}

type clientEntry struct {
	ClientID   string `json:"ClientId"`
	UserPoolID string `json:"UserPoolId"`
	ClientName string `json:"ClientName"`
}

func (s *Service) listUserPoolClients(_ context.Context, in *listUserPoolClientsInput) (*listUserPoolClientsOutput, error) {
	var v constraints
	v.Text("userPoolId", in.UserPoolID, 55)
	v.Within("maxResults", in.MaxResults, 1, mostPerPage)
	if err := v.err(); err != nil {
		return nil, err
	}
	var clients []client
	err := s.env.DB.View(func(tx *store.Tx) (err error) {
		if _, err = findPool(tx, in.UserPoolID); err != nil {
			return err
		}
		clients, err = store.AllJSON[client](clientsIn(tx))
		return err
	})
	if err != nil {
		return nil, err
	}
	clients = slices.DeleteFunc(clients, func(c client) bool { return c.PoolID != in.UserPoolID })
	shown, next, err := page(clients, func(c client) string { return c.ID }, in.MaxResults, in.NextToken)
	if err != nil {
		return nil, err
	}
	out := &listUserPoolClientsOutput{UserPoolClients: []clientEntry{}, NextToken: next}
	for _, c := range shown {
		out.UserPoolClients = append(out.UserPoolClients, clientEntry{ClientID: c.ID, UserPoolID: c.PoolID, ClientName: c.Name})
	}
	return out, nil
}
