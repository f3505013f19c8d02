package cognito

import (
	"net/mail"
	"slices"
	"strings"
	"time"

	"github.com/gatehouse-portal/gatehouse/localaws/store"
)

// The states of a user:
//
//	UNCONFIRMED --mailed code, or an administrator--> CONFIRMED
//	FORCE_CHANGE_PASSWORD --new password at the first sign-in--> CONFIRMED
//	CONFIRMED --AdminResetUserPassword--> RESET_REQUIRED --mailed code--> CONFIRMED
const (
	unconfirmed   = "UNCONFIRMED"
	confirmed     = "CONFIRMED"
	forcePassword = "FORCE_CHANGE_PASSWORD"
	resetRequired = "RESET_REQUIRED"
)

type user struct {
	// Username is as given at sign-up, or Sub if users sign in by e-mail.
	Username string
	// Sub never changes and is never reused.
	Sub          string
	PasswordHash string
	Status       string
	// Disabled prevents sign-in and makes tokens invalid.
	Disabled       bool
	TemporaryUntil time.Time `json:",omitzero"`
	Attributes     map[string]string
	Groups         []string
	Created        time.Time
	Modified       time.Time
}

func (u *user) setPassword(hash string) {
	u.PasswordHash, u.Status, u.TemporaryUntil = hash, confirmed, time.Time{}
}

// setTemporary sets a password that the user must change at the first sign-in.
func (u *user) setTemporary(p pool, hash string, now time.Time) {
	u.PasswordHash, u.Status = hash, forcePassword
	u.TemporaryUntil = now.AddDate(0, 0, p.Policy.TemporaryPasswordValidityDays)
}

func usersIn(tx *store.Tx, p pool) store.Bucket { return tx.Bucket("cognito", "users", p.ID) }

// emailsIn maps addresses to user names if users sign in by e-mail.
func emailsIn(tx *store.Tx, p pool) store.Bucket { return tx.Bucket("cognito", "emails", p.ID) }

// findUser accepts a user name or, if users sign in by e-mail, an address.
func findUser(tx *store.Tx, p pool, name string) (user, error) {
	key := p.fold(name)
	if username := emailsIn(tx, p).Get([]byte(key)); username != nil {
		key = p.fold(string(username))
	}
	u, found, err := store.GetJSON[user](usersIn(tx, p), key)
	if err != nil {
		return user{}, err
	}
	if !found {
		return user{}, userNotFound()
	}
	return u, nil
}

// findSub returns the user of a session or token, unless disabled, and never another user who
// got the name later.
func findSub(tx *store.Tx, p pool, username, sub string) (user, error) {
	u, err := findUser(tx, p, username)
	switch {
	case err != nil:
		return user{}, err
	case u.Sub != sub:
		return user{}, userNotFound()
	case u.Disabled:
		return user{}, errUserDisabled
	}
	return u, nil
}

func putUser(tx *store.Tx, p pool, u user) error {
	return store.PutJSON(usersIn(tx, p), p.fold(u.Username), u)
}

// change stores the user as fn changes it, unless fn fails.
func (s *Service) change(poolID, name string, fn func(*store.Tx, pool, *user) error) error {
	var c constraints
	c.Text("userPoolId", poolID, 55)
	c.Text("username", name, 128)
	if err := c.err(); err != nil {
		return err
	}
	return s.env.DB.Update(func(tx *store.Tx) error {
		p, err := findPool(tx, poolID)
		if err != nil {
			return err
		}
		u, err := findUser(tx, p, name)
		if err != nil {
			return err
		}
		if err := fn(tx, p, &u); err != nil {
			return err
		}
		u.Modified = s.env.Now()
		return putUser(tx, p, u)
	})
}

type attribute struct {
	Name  string `json:"Name"`
	Value string `json:"Value"`
}

func (u user) attributes() []attribute {
	list := []attribute{{"sub", u.Sub}}
	for name, value := range u.Attributes {
		list = append(list, attribute{name, value})
	}
	slices.SortFunc(list, func(a, b attribute) int { return strings.Compare(a.Name, b.Name) })
	return list
}

// standardAttributes exist in every pool, besides sub:
// https://docs.aws.amazon.com/cognito/latest/developerguide/user-pool-settings-attributes.html
var standardAttributes = []string{
	"address", "birthdate", "email", "email_verified", "family_name", "gender", "given_name", "locale", "middle_name", "name",
	"nickname", "phone_number", "phone_number_verified", "picture", "preferred_username", "profile", "updated_at", "website", "zoneinfo",
}

// readAttributes lets only administrators set whether an address is verified.
func readAttributes(given []attribute, byAdmin bool) (map[string]string, error) {
	attributes := map[string]string{}
	for _, a := range given {
		if strings.HasSuffix(a.Name, "_verified") {
			a.Value = strings.ToLower(a.Value)
		}
		switch {
		case a.Name == "sub":
			return nil, invalid("Cannot modify the non-mutable attribute sub")
		case !slices.Contains(standardAttributes, a.Name):
			return nil, invalid("Attributes did not conform to the schema: %s: Attribute does not exist in the schema.", a.Name)
		case !byAdmin && strings.HasSuffix(a.Name, "_verified"):
			return nil, notAuthorized("A client attempted to write unauthorized attribute")
		case len(a.Value) > 2048:
			return nil, invalid("Attributes did not conform to the schema: %s: String must be no longer than 2048 characters", a.Name)
		case a.Name == "email" && !isEmail(a.Value):
			return nil, invalid("Invalid email address format.")
		case strings.HasSuffix(a.Name, "_verified") && a.Value != "true" && a.Value != "false":
			return nil, invalid("Attributes did not conform to the schema: %s: Attribute value must be true or false", a.Name)
		}
		attributes[a.Name] = a.Value
	}
	return attributes, nil
}

func isEmail(s string) bool {
	address, err := mail.ParseAddress(s)
	return err == nil && address.Address == s
}
