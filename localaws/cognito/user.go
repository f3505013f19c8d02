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
//	UNCONFIRMED --the mailed code, or an administrator--> CONFIRMED
//	FORCE_CHANGE_PASSWORD --a new password at the first sign-in--> CONFIRMED
//	CONFIRMED --AdminResetUserPassword--> RESET_REQUIRED --the mailed code--> CONFIRMED
const (
	unconfirmed   = "UNCONFIRMED"
	confirmed     = "CONFIRMED"
	forcePassword = "FORCE_CHANGE_PASSWORD"
	resetRequired = "RESET_REQUIRED"
)

// user is one stored user.
type user struct {
	// Username is as the user gave it, or equals Sub where users sign in by e-mail.
	Username string
	// Sub never changes and is never given to another user.
	Sub          string
	PasswordHash string
	Status       string
	// Disabled users cannot sign in, and their tokens are not taken.
	Disabled bool
	// TemporaryUntil is when a temporary password ends.
	TemporaryUntil time.Time `json:",omitzero"`
	// Attributes are by name, without sub.
	Attributes map[string]string
	Groups     []string
	Created    time.Time
	Modified   time.Time
}

// setPassword gives the user a password of his own.
func (u *user) setPassword(hash string) {
	u.PasswordHash, u.Status, u.TemporaryUntil = hash, confirmed, time.Time{}
}

// setTemporary gives the user a password that must be changed at the first sign-in,
// within the days that the pool's policy says.
func (u *user) setTemporary(p pool, hash string, now time.Time) {
	u.PasswordHash, u.Status = hash, forcePassword
	u.TemporaryUntil = now.AddDate(0, 0, p.Policy.TemporaryPasswordValidityDays)
}

func usersIn(tx *store.Tx, p pool) store.Bucket { return tx.Bucket("cognito", "users", p.ID) }

// emailsIn maps addresses to user names, in pools where users sign in by e-mail.
func emailsIn(tx *store.Tx, p pool) store.Bucket { return tx.Bucket("cognito", "emails", p.ID) }

// findUser returns the user whom a name means: the user name itself, or the
// e-mail address where users sign in by it.
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

// findSub returns the user that a session or token was made for: not one who has
// since been given the same user name, nor one who was disabled.
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

// change stores what fn makes of a user. Nothing is stored when fn refuses.
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

// attribute is one attribute on the wire.
type attribute struct {
	Name  string `json:"Name"`
	Value string `json:"Value"`
}

// attributes lists a user's attributes by name, sub among them.
func (u user) attributes() []attribute {
	list := []attribute{{"sub", u.Sub}}
	for name, value := range u.Attributes {
		list = append(list, attribute{name, value})
	}
	slices.SortFunc(list, func(a, b attribute) int { return strings.Compare(a.Name, b.Name) })
	return list
}

// standardAttributes are what every pool has, besides sub:
// https://docs.aws.amazon.com/cognito/latest/developerguide/user-pool-settings-attributes.html
var standardAttributes = []string{
	"address", "birthdate", "email", "email_verified", "family_name", "gender", "given_name", "locale", "middle_name", "name",
	"nickname", "phone_number", "phone_number_verified", "picture", "preferred_username", "profile", "updated_at", "website", "zoneinfo",
}

// readAttributes checks what is given for a new user. Only administrators may say
// that an address is verified.
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
