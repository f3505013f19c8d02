package cognito

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/gatehouse-portal/gatehouse/localaws/store"
	"github.com/gatehouse-portal/gatehouse/localaws/wire"
)

// AutoConfirmTag, with the value "true" in UserPoolTags, makes a pool confirm sign-ups and
// their e-mail addresses at once, like a pre-sign-up Lambda trigger that returns
// autoConfirmUser and autoVerifyEmail.
const AutoConfirmTag = "localaws:auto-confirm"

var namePattern = regexp.MustCompile(`^[\w\s+=,.@-]+$`)

type pool struct {
	ID   string
	Name string
	// IssuerBase is the endpoint at which the pool was created. It stays the issuer when the
	// server moves to another port, because apps identify users by issuer and sub.
	IssuerBase             string
	Policy                 passwordPolicy
	UsernameAttributes     []string
	AutoVerifiedAttributes []string
	CaseSensitive          bool
	AdminCreateOnly        bool
	DeletionProtection     string
	Recovery               json.RawMessage
	UpdateSettings         *attributeUpdateSettings
	Tags                   map[string]string
	Domain                 string
	ManagedLoginVersion    int
	Created                time.Time
	Modified               time.Time
}

// signInByEmail reports whether users sign in with their e-mail address. Their user name is
// then a UUID.
func (p pool) signInByEmail() bool { return slices.Contains(p.UsernameAttributes, "email") }

func (p pool) autoConfirms() bool { return p.Tags[AutoConfirmTag] == "true" }

// fold returns the form in which the pool compares names and addresses.
func (p pool) fold(name string) string {
	if p.CaseSensitive {
		return name
	}
	return strings.ToLower(name)
}

func poolsIn(tx *store.Tx) store.Bucket { return tx.Bucket("cognito", "pools") }

func findPool(tx *store.Tx, id string) (pool, error) {
	p, found, err := store.GetJSON[pool](poolsIn(tx), id)
	if err != nil {
		return pool{}, err
	}
	if !found {
		return pool{}, notFound("User pool %s does not exist.", id)
	}
	return p, nil
}

func (s *Service) newPoolID() string {
	return s.env.Region + "_" + randomText("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789", 9)
}

// randomText draws n characters with equal probability from fewer than 256.
func randomText(alphabet string, n int) string {
	even := 256 - 256%len(alphabet)
	text := make([]byte, 0, n)
	for draw := make([]byte, n); len(text) < n; {
		_, _ = rand.Read(draw)
		for _, b := range draw {
			if int(b) < even && len(text) < n {
				text = append(text, alphabet[int(b)%len(alphabet)])
			}
		}
	}
	return string(text)
}

type usernameConfiguration struct{ CaseSensitive bool }

type adminCreateUserConfig struct{ AllowAdminCreateUserOnly bool }

type createUserPoolInput struct {
	PoolName               string
	Policies               *policies
	UsernameAttributes     []string
	AutoVerifiedAttributes []string
	// Without UsernameConfiguration names are case-sensitive, as on AWS.
	UsernameConfiguration  *usernameConfiguration
	AdminCreateUserConfig  *adminCreateUserConfig
	DeletionProtection     string
	MfaConfiguration       string
	UserPoolTags           map[string]string
	UserPoolTier           string
	AccountRecoverySetting json.RawMessage

	EmailConfiguration          *emailConfiguration
	UserAttributeUpdateSettings *attributeUpdateSettings
}

type userPoolOutput struct {
	UserPool poolDetails `json:"UserPool"`
}

func (s *Service) createUserPool(_ context.Context, in *createUserPoolInput) (*userPoolOutput, error) {
	p, err := s.newPool(in)
	if err != nil {
		return nil, err
	}
	signingKey, err := newSigningKey()
	if err != nil {
		return nil, err
	}
	err = s.env.DB.Update(func(tx *store.Tx) error {
		keys := signingKeysIn(tx)
		if err := keys.Put([]byte(p.ID), signingKey); err != nil {
			return err
		}
		return store.PutJSON(poolsIn(tx), p.ID, p)
	})
	if err != nil {
		return nil, err
	}
	return &userPoolOutput{s.poolDetails(p, 0)}, nil
}

func (s *Service) newPool(in *createUserPoolInput) (pool, error) {
	if err := in.validate(); err != nil {
		return pool{}, err
	}
	policy, err := in.Policies.policy()
	if err != nil {
		return pool{}, err
	}
	now := s.env.Now()
	p := pool{
		ID: s.newPoolID(), Name: in.PoolName, IssuerBase: s.env.Endpoint(), Policy: policy,
		UsernameAttributes: in.UsernameAttributes, AutoVerifiedAttributes: in.AutoVerifiedAttributes,
		CaseSensitive:      in.UsernameConfiguration == nil || in.UsernameConfiguration.CaseSensitive,
		AdminCreateOnly:    in.AdminCreateUserConfig != nil && in.AdminCreateUserConfig.AllowAdminCreateUserOnly,
		DeletionProtection: in.DeletionProtection, Recovery: in.AccountRecoverySetting,
		UpdateSettings: in.UserAttributeUpdateSettings,
		Tags:           in.UserPoolTags, Created: now, Modified: now,
	}
	if p.DeletionProtection == "" {
		p.DeletionProtection = "INACTIVE"
	}
	return p, nil
}

func (in *createUserPoolInput) validate() error {
	var c constraints
	c.Text("poolName", in.PoolName, 128)
	c.Matches("poolName", in.PoolName, namePattern)
	c.OneOf("usernameAttributes", []string{"phone_number", "email"}, in.UsernameAttributes...)
	c.OneOf("autoVerifiedAttributes", []string{"phone_number", "email"}, in.AutoVerifiedAttributes...)
	c.OneOf("deletionProtection", []string{"ACTIVE", "INACTIVE"}, in.DeletionProtection)
	c.OneOf("mfaConfiguration", []string{"OFF", "ON", "OPTIONAL"}, in.MfaConfiguration)
	c.OneOf("userPoolTier", []string{"LITE", "ESSENTIALS", "PLUS"}, in.UserPoolTier)
	in.EmailConfiguration.validate(&c)
	in.UserAttributeUpdateSettings.validate(&c)
	if err := c.err(); err != nil {
		return err
	}
	switch {
	case in.MfaConfiguration != "" && in.MfaConfiguration != "OFF":
		return wire.NotImplemented("Multi-factor authentication")
	case in.UserPoolTier != "" && in.UserPoolTier != "ESSENTIALS":
		return wire.NotImplemented("The user pool tier " + in.UserPoolTier)
	case slices.Contains(in.UsernameAttributes, "phone_number"), slices.Contains(in.AutoVerifiedAttributes, "phone_number"):
		return wire.NotImplemented("Signing in with a phone number")
	}
	return in.EmailConfiguration.supported()
}
