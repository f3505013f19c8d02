package cognito

import (
	"context"
	"regexp"
	"slices"
	"strings"

	"github.com/gatehouse-portal/gatehouse/localaws/store"
)

type listUsersInput struct {
	UserPoolID      string `json:"UserPoolId"`
	AttributesToGet []string
	Filter          string
	Limit           *int
	PaginationToken string
}

type listUsersOutput struct {
	Users           []userDetails `json:"Users"`
	PaginationToken string        `json:"PaginationToken,omitempty"`
}

func (s *Service) listUsers(_ context.Context, in *listUsersInput) (*listUsersOutput, error) {
	var c constraints
	c.Text("userPoolId", in.UserPoolID, 55)
	c.Length("filter", in.Filter, 256)
	c.Within("limit", in.Limit, 0, mostPerPage)
	if err := c.err(); err != nil {
		return nil, err
	}
	matches, err := parseFilter(in.Filter)
	if err != nil {
		return nil, err
	}
	var p pool
	var users []user
	err = s.env.DB.View(func(tx *store.Tx) (err error) {
		if p, err = findPool(tx, in.UserPoolID); err != nil {
			return err
		}
		users, err = store.AllJSON[user](usersIn(tx, p))
		return err
	})
	if err != nil {
		return nil, err
	}
	users = slices.DeleteFunc(users, func(u user) bool { return !matches(u) })
	shown, next, err := page(users, func(u user) string { return p.fold(u.Username) }, in.Limit, in.PaginationToken)
	if err != nil {
		return nil, err
	}
	out := &listUsersOutput{Users: []userDetails{}, PaginationToken: next}
	for _, u := range shown {
		d := u.details()
		if in.AttributesToGet != nil {
			d.Attributes = slices.DeleteFunc(d.Attributes, func(a attribute) bool { return !slices.Contains(in.AttributesToGet, a.Name) })
		}
		out.Users = append(out.Users, d)
	}
	return out, nil
}

var (
	filterPattern = regexp.MustCompile(`^\s*"?([\w:]+)"?\s*(=|\^=)\s*"((?:[^"\\]|\\.)*)"\s*$`)
	// See https://docs.aws.amazon.com/cognito-user-identity-pools/latest/APIReference/API_ListUsers.html
	searchable = []string{
		"username", "email", "phone_number", "name", "given_name", "family_name", "preferred_username",
		"cognito:user_status", "status", "sub",
	}
)

// parseFilter parses a filter such as name ^= "A". An empty one matches every user.
func parseFilter(filter string) (func(user) bool, error) {
	if strings.TrimSpace(filter) == "" {
		return func(user) bool { return true }, nil
	}
	parts := filterPattern.FindStringSubmatch(filter)
	if parts == nil {
		return nil, invalid("Error while parsing filter.")
	}
	name, operator := parts[1], parts[2]
	want := regexp.MustCompile(`\\(.)`).ReplaceAllString(parts[3], "$1")
	if !slices.Contains(searchable, name) {
		return nil, invalid("Invalid search attribute: %s", name)
	}
	return func(u user) bool {
		have, ok := u.searched(name)
		if operator == "=" {
			return ok && have == want
		}
		return ok && strings.HasPrefix(have, want)
	}, nil
}

func (u user) searched(name string) (string, bool) {
	switch name {
	case "username":
		return u.Username, true
	case "sub":
		return u.Sub, true
	case "cognito:user_status":
		return u.Status, true
	case "status":
		if u.Disabled {
			return "Disabled", true
		}
		return "Enabled", true
	default:
		value, ok := u.Attributes[name]
		return value, ok
	}
}
