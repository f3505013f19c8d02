package cognito

import (
	"context"
	"encoding/json"

	"github.com/gatehouse-portal/gatehouse/localaws/store"
)

type poolDetails struct {
	ID                     string                `json:"Id"`
	ARN                    string                `json:"Arn"`
	Name                   string                `json:"Name"`
	Policies               policies              `json:"Policies"`
	DeletionProtection     string                `json:"DeletionProtection"`
	UsernameAttributes     []string              `json:"UsernameAttributes,omitempty"`
	AutoVerifiedAttributes []string              `json:"AutoVerifiedAttributes,omitempty"`
	UsernameConfiguration  usernameConfiguration `json:"UsernameConfiguration"`
	AdminCreateUserConfig  adminCreateUserConfig `json:"AdminCreateUserConfig"`
	AccountRecoverySetting json.RawMessage       `json:"AccountRecoverySetting,omitempty"`
	MfaConfiguration       string                `json:"MfaConfiguration"`
	UserPoolTier           string                `json:"UserPoolTier"`
	UserPoolTags           map[string]string     `json:"UserPoolTags"`
	Domain                 string                `json:"Domain,omitempty"`
	EstimatedNumberOfUsers int                   `json:"EstimatedNumberOfUsers"`
	CreationDate           float64               `json:"CreationDate"`
	LastModifiedDate       float64               `json:"LastModifiedDate"`

	EmailConfiguration          emailConfiguration       `json:"EmailConfiguration"`
	UserAttributeUpdateSettings *attributeUpdateSettings `json:"UserAttributeUpdateSettings,omitempty"`
}

func (s *Service) poolDetails(p pool, users int) poolDetails {
	tags := p.Tags
	if tags == nil {
		tags = map[string]string{}
	}
	return poolDetails{
		ID: p.ID, ARN: s.env.ARN("cognito-idp", "userpool/"+p.ID), Name: p.Name,
		Policies:               policies{PasswordPolicy: &p.Policy},
		DeletionProtection:     p.DeletionProtection,
		UsernameAttributes:     p.UsernameAttributes,
		AutoVerifiedAttributes: p.AutoVerifiedAttributes,
		UsernameConfiguration:  usernameConfiguration{p.CaseSensitive},
		AdminCreateUserConfig:  adminCreateUserConfig{p.AdminCreateOnly},
		AccountRecoverySetting: p.Recovery,
		MfaConfiguration:       "OFF",
		UserPoolTier:           "ESSENTIALS",
		UserPoolTags:           tags,
		Domain:                 p.Domain,
		EstimatedNumberOfUsers: users,
		CreationDate:           epoch(p.Created),
		LastModifiedDate:       epoch(p.Modified),

		EmailConfiguration:          emailConfiguration{"COGNITO_DEFAULT"},
		UserAttributeUpdateSettings: p.UpdateSettings,
	}
}

type poolIDInput struct {
	UserPoolID string `json:"UserPoolId"`
}

func (s *Service) describeUserPool(_ context.Context, in *poolIDInput) (*userPoolOutput, error) {
	var c constraints
	c.Text("userPoolId", in.UserPoolID, 55)
	if err := c.err(); err != nil {
		return nil, err
	}
	out := new(userPoolOutput)
	err := s.env.DB.View(func(tx *store.Tx) error {
		p, err := findPool(tx, in.UserPoolID)
		if err != nil {
			return err
		}
		users := 0
		cursor := usersIn(tx, p).Cursor()
		for name, _ := cursor.First(); name != nil; name, _ = cursor.Next() {
			users++
		}
		out.UserPool = s.poolDetails(p, users)
		return nil
	})
	if err != nil {
		return nil, err
	}
	return out, nil
}

type listUserPoolsInput struct {
	MaxResults *int
	NextToken  string
}

type listUserPoolsOutput struct {
	UserPools []poolEntry `json:"UserPools"`
	NextToken string      `json:"NextToken,omitempty"`
}

type poolEntry struct {
	ID               string   `json:"Id"`
	Name             string   `json:"Name"`
	LambdaConfig     struct{} `json:"LambdaConfig"`
	CreationDate     float64  `json:"CreationDate"`
	LastModifiedDate float64  `json:"LastModifiedDate"`
}

func (s *Service) listUserPools(_ context.Context, in *listUserPoolsInput) (*listUserPoolsOutput, error) {
	var c constraints
	if in.MaxResults == nil {
		c.Add("maxResults", "not be null")
	}
	c.Within("maxResults", in.MaxResults, 1, mostPerPage)
	if err := c.err(); err != nil {
		return nil, err
	}
	var pools []pool
	err := s.env.DB.View(func(tx *store.Tx) (err error) {
		pools, err = store.AllJSON[pool](poolsIn(tx))
		return err
	})
	if err != nil {
		return nil, err
	}
	shown, next, err := page(pools, func(p pool) string { return p.ID }, in.MaxResults, in.NextToken)
	if err != nil {
		return nil, err
	}
	out := &listUserPoolsOutput{UserPools: []poolEntry{}, NextToken: next}
	for _, p := range shown {
		out.UserPools = append(out.UserPools, poolEntry{
			ID: p.ID, Name: p.Name, CreationDate: epoch(p.Created), LastModifiedDate: epoch(p.Modified),
		})
	}
	return out, nil
}
