package cognito

import (
	"context"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/gatehouse-portal/gatehouse/localaws/store"
	"github.com/gatehouse-portal/gatehouse/localaws/wire"
)

// group's members are stored with the users.
type group struct {
	Name        string
	Description string
	// Precedence orders a user's groups in tokens, lowest first and nil last.
	Precedence *int
	Created    time.Time
	Modified   time.Time
}

func groupsIn(tx *store.Tx, p pool) store.Bucket { return tx.Bucket("cognito", "groups", p.ID) }

type groupDetails struct {
	GroupName        string  `json:"GroupName"`
	UserPoolID       string  `json:"UserPoolId"`
	Description      string  `json:"Description,omitempty"`
	Precedence       *int    `json:"Precedence,omitempty"`
	CreationDate     float64 `json:"CreationDate"`
	LastModifiedDate float64 `json:"LastModifiedDate"`
}

func (g group) details(p pool) groupDetails {
	return groupDetails{
		GroupName: g.Name, UserPoolID: p.ID, Description: g.Description, Precedence: g.Precedence,
		CreationDate: epoch(g.Created), LastModifiedDate: epoch(g.Modified),
	}
}

type createGroupInput struct {
	UserPoolID  string `json:"UserPoolId"`
	GroupName   string
	Description string
	Precedence  *int
}

type groupOutput struct {
	Group groupDetails `json:"Group"`
}

func (s *Service) createGroup(_ context.Context, in *createGroupInput) (*groupOutput, error) {
	var c constraints
	c.Text("userPoolId", in.UserPoolID, 55)
	c.Text("groupName", in.GroupName, 128)
	c.Length("description", in.Description, 2048)
	c.Within("precedence", in.Precedence, 0, math.MaxInt32)
	if err := c.err(); err != nil {
		return nil, err
	}
	out := new(groupOutput)
	err := s.env.DB.Update(func(tx *store.Tx) error {
		p, err := findPool(tx, in.UserPoolID)
		if err != nil {
			return err
		}
		groups := groupsIn(tx, p)
		if groups.Get([]byte(in.GroupName)) != nil {
			return wire.Errorf("GroupExistsException", "A group with the name already exists.")
		}
		now := s.env.Now()
		g := group{Name: in.GroupName, Description: in.Description, Precedence: in.Precedence, Created: now, Modified: now}
		out.Group = g.details(p)
		return store.PutJSON(groups, g.Name, g)
	})
	if err != nil {
		return nil, err
	}
	return out, nil
}

type listGroupsInput struct {
	UserPoolID string `json:"UserPoolId"`
	Limit      *int
	NextToken  string
}

type listGroupsOutput struct {
	Groups    []groupDetails `json:"Groups"`
	NextToken string         `json:"NextToken,omitempty"`
}

func (s *Service) listGroups(_ context.Context, in *listGroupsInput) (*listGroupsOutput, error) {
	return s.groups(in, func(tx *store.Tx, p pool) ([]group, error) {
		return store.AllJSON[group](groupsIn(tx, p))
	})
}

type listGroupsForUserInput struct {
	listGroupsInput
	Username string
}

func (s *Service) adminListGroupsForUser(_ context.Context, in *listGroupsForUserInput) (*listGroupsOutput, error) {
	return s.groups(&in.listGroupsInput, func(tx *store.Tx, p pool) ([]group, error) {
		u, err := findUser(tx, p, in.Username)
		if err != nil {
			return nil, err
		}
		all, err := store.AllJSON[group](groupsIn(tx, p))
		return slices.DeleteFunc(all, func(g group) bool { return !slices.Contains(u.Groups, g.Name) }), err
	})
}

// groups requires list to order by name.
func (s *Service) groups(in *listGroupsInput, list func(*store.Tx, pool) ([]group, error)) (*listGroupsOutput, error) {
	var c constraints
	c.Text("userPoolId", in.UserPoolID, 55)
	c.Within("limit", in.Limit, 0, mostPerPage)
	if err := c.err(); err != nil {
		return nil, err
	}
	var p pool
	var groups []group
	err := s.env.DB.View(func(tx *store.Tx) (err error) {
		if p, err = findPool(tx, in.UserPoolID); err != nil {
			return err
		}
		groups, err = list(tx, p)
		return err
	})
	if err != nil {
		return nil, err
	}
	shown, next, err := page(groups, func(g group) string { return g.Name }, in.Limit, in.NextToken)
	if err != nil {
		return nil, err
	}
	out := &listGroupsOutput{Groups: []groupDetails{}, NextToken: next}
	for _, g := range shown {
		out.Groups = append(out.Groups, g.details(p))
	}
	return out, nil
}

type membershipInput struct {
	userInput
	GroupName string
}

// adminAddUserToGroup is idempotent. The next sign-in or refresh puts the group into tokens.
func (s *Service) adminAddUserToGroup(_ context.Context, in *membershipInput) (*none, error) {
	return s.changeMembership(in, func(groups []string) []string {
		if slices.Contains(groups, in.GroupName) {
			return groups
		}
		return append(groups, in.GroupName)
	})
}

// adminRemoveUserFromGroup is idempotent.
func (s *Service) adminRemoveUserFromGroup(_ context.Context, in *membershipInput) (*none, error) {
	return s.changeMembership(in, func(groups []string) []string {
		return slices.DeleteFunc(groups, func(name string) bool { return name == in.GroupName })
	})
}

func (s *Service) changeMembership(in *membershipInput, fn func([]string) []string) (*none, error) {
	var c constraints
	c.Text("groupName", in.GroupName, 128)
	if err := c.err(); err != nil {
		return nil, err
	}
	err := s.change(in.UserPoolID, in.Username, func(tx *store.Tx, p pool, u *user) error {
		if groupsIn(tx, p).Get([]byte(in.GroupName)) == nil {
			return notFound("Group not found.")
		}
		u.Groups = fn(u.Groups)
		return nil
	})
	return &none{}, err
}

// groupNames are ordered as in tokens: by precedence, then name.
func groupNames(tx *store.Tx, p pool, u user) ([]string, error) {
	type ranked struct {
		name string
		rank int
	}
	var all []ranked
	for _, name := range u.Groups {
		g, _, err := store.GetJSON[group](groupsIn(tx, p), name)
		if err != nil {
			return nil, err
		}
		rank := math.MaxInt
		if g.Precedence != nil {
			rank = *g.Precedence
		}
		all = append(all, ranked{name, rank})
	}
	slices.SortFunc(all, func(a, b ranked) int {
		if a.rank != b.rank {
			if a.rank < b.rank {
				return -1
			}
			return 1
		}
		return strings.Compare(a.name, b.name)
	})
	names := make([]string, len(all))
	for i, r := range all {
		names[i] = r.name
	}
	return names, nil
}
