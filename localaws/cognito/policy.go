package cognito

import (
	"crypto/rand"
	"fmt"
	"regexp"
	"strings"
	"unicode/utf8"

	"github.com/gatehouse-portal/gatehouse/localaws/wire"
)

// passwordPattern allows spaces inside a password, but not around it.
var passwordPattern = regexp.MustCompile(`^\S+.*\S+$`)

const (
	maxPassword = 256
	// symbols count as special characters:
	// https://docs.aws.amazon.com/cognito/latest/developerguide/user-pool-settings-policies.html
	symbols = "^$*.[]{}()?-\"!@#%&/\\,><':;|_~`+= "
)

type policies struct {
	PasswordPolicy *passwordPolicy
}

// passwordPolicy is stored as on the wire.
type passwordPolicy struct {
	MinimumLength                 int
	RequireUppercase              bool
	RequireLowercase              bool
	RequireNumbers                bool
	RequireSymbols                bool
	TemporaryPasswordValidityDays int
	// PasswordHistorySize is 0: people may choose a former password again.
	PasswordHistorySize int `json:",omitempty"`
}

func defaultPolicy() passwordPolicy {
	return passwordPolicy{
		MinimumLength: 8, RequireUppercase: true, RequireLowercase: true,
		RequireNumbers: true, RequireSymbols: true, TemporaryPasswordValidityDays: 7,
	}
}

func (p *policies) policy() (passwordPolicy, error) {
	if p == nil || p.PasswordPolicy == nil {
		return defaultPolicy(), nil
	}
	policy := *p.PasswordPolicy
	if policy.MinimumLength == 0 {
		policy.MinimumLength = 8
	}
	if policy.TemporaryPasswordValidityDays == 0 {
		policy.TemporaryPasswordValidityDays = 7
	}
	var c constraints
	c.Within("policies.passwordPolicy.minimumLength", &policy.MinimumLength, 6, 99)
	c.Within("policies.passwordPolicy.temporaryPasswordValidityDays", &policy.TemporaryPasswordValidityDays, 0, 365)
	c.Within("policies.passwordPolicy.passwordHistorySize", &policy.PasswordHistorySize, 0, 24)
	if err := c.err(); err != nil {
		return policy, err
	}
	if policy.PasswordHistorySize > 0 {
		return policy, wire.NotImplemented("Remembering former passwords")
	}
	return policy, nil
}

// check returns InvalidPasswordException for the first unmet requirement.
func (p passwordPolicy) check(password string) error {
	var c constraints
	c.Text("password", password, maxPassword)
	c.Matches("password", password, passwordPattern)
	if err := c.err(); err != nil {
		return err
	}
	lacks := ""
	switch {
	case utf8.RuneCountInString(password) < p.MinimumLength:
		lacks = "Password not long enough"
	case p.RequireLowercase && !strings.ContainsFunc(password, between('a', 'z')):
		lacks = "Password must have lowercase characters"
	case p.RequireUppercase && !strings.ContainsFunc(password, between('A', 'Z')):
		lacks = "Password must have uppercase characters"
	case p.RequireNumbers && !strings.ContainsFunc(password, between('0', '9')):
		lacks = "Password must have numeric characters"
	case p.RequireSymbols && !strings.ContainsAny(password, symbols):
		lacks = "Password must have symbol characters"
	}
	if lacks != "" {
		return wire.Errorf("InvalidPasswordException", "Password did not conform with policy: %s", lacks)
	}
	return nil
}

// random satisfies any policy.
func (p passwordPolicy) random() string {
	return "aA0-" + rand.Text() + rand.Text() + rand.Text() + rand.Text()
}

// String is for users.
func (p passwordPolicy) String() string {
	var kinds []string
	for _, kind := range []struct {
		required bool
		name     string
	}{
		{p.RequireUppercase, "an upper-case letter"},
		{p.RequireLowercase, "a lower-case letter"},
		{p.RequireNumbers, "a digit"},
		{p.RequireSymbols, "a special character"},
	} {
		if kind.required {
			kinds = append(kinds, kind.name)
		}
	}
	text := fmt.Sprintf("At least %d characters", p.MinimumLength)
	switch len(kinds) {
	case 0:
	case 1:
		text += ", with " + kinds[0]
	default:
		last := len(kinds) - 1
		text += ", with " + strings.Join(kinds[:last], ", ") + " and " + kinds[last]
	}
	return text + "."
}

func between(least, most rune) func(rune) bool {
	return func(r rune) bool { return least <= r && r <= most }
}
