package cognito

import (
	"context"
	"math"
	"slices"

	"github.com/gatehouse-portal/gatehouse/localaws/store"
)

type groupInput struct {
	UserPoolID string `json:"UserPoolId"`
	GroupName  string
}

func (in *groupInput) validate() error {
	var c constraints
	c.Text("userPoolId", in.UserPoolID, 55)
	c.Text("groupName", in.GroupName, 128)
	return c.err()
}

func findGroup(tx *store.Tx, in *groupInput) (pool, group, error) {
	p, err := findPool(tx, in.UserPoolID)
	if err != nil {
		return pool{}, group{}, err
	}
	g, found, err := store.GetJSON[group](groupsIn(tx, p), in.GroupName)
	if err == nil && !found {
		err = notFound("Group not found.")
	}
	return p, g, err
}

func (s *Service) getGroup(_ context.Context, in *groupInput) (*groupOutput, error) {
	if err := in.validate(); err != nil {
		return nil, err
	}
	out := new(groupOutput)
	err := s.env.DB.View(func(tx *store.Tx) error {
		p, g, err := findGroup(tx, in)
		out.Group = g.details(p)
		return err
	})
	if err != nil {
		return nil, err
	}
	return out, nil
}

type updateGroupInput struct {
	groupInput
	Description *string
	Precedence  *int
}

func (s *Service) updateGroup(_ context.Context, in *updateGroupInput) (*groupOutput, error) {
	var c constraints
	c.Within("precedence", in.Precedence, 0, math.MaxInt32)
	if in.Description != nil {
		c.Length("description", *in.Description, 2048)
	}
	if err := c.err(); err != nil {
		return nil, err
	}
	if err := in.validate(); err != nil {
		return nil, err
	}
	out := new(groupOutput)
	err := s.env.DB.Update(func(tx *store.Tx) error {
		p, g, err := findGroup(tx, &in.groupInput)
		if err != nil {
			return err
		}
		if in.Description != nil {
			g.Description = *in.Description
		}
		if in.Precedence != nil {
			g.Precedence = in.Precedence
		}
		g.Modified = s.env.Now()
		out.Group = g.details(p)
		return store.PutJSON(groupsIn(tx, p), g.Name, g)
	})
	if err != nil {
		return nil, err
	}
	return out, nil
}

func (s *Service) deleteGroup(_ context.Context, in *groupInput) (*none, error) {
	if err := in.validate(); err != nil {
		return nil, err
	}
	err := s.env.DB.Update(func(tx *store.Tx) error {
		p, g, err := findGroup(tx, in)
		if err != nil {
			return err
		}
		members, err := membersOf(tx, p, g)
		if err != nil {
			return err
		}
		for _, u := range members {
			u.Groups = slices.DeleteFunc(u.Groups, func(name string) bool { return name == g.Name })
			if err := putUser(tx, p, u); err != nil {
				return err
			}
		}
		return groupsIn(tx, p).Delete([]byte(g.Name))
	})
	return &none{}, err
}

func membersOf(tx *store.Tx, p pool, g group) ([]user, error) {
	all, err := store.AllJSON[user](usersIn(tx, p))
	return slices.DeleteFunc(all, func(u user) bool { return !slices.Contains(u.Groups, g.Name) }), err
}

type listUsersInGroupInput struct {
	groupInput
	Limit     *int
	NextToken string
}

type listUsersInGroupOutput struct {
	Users     []userDetails `json:"Users"`
	NextToken string        `json:"NextToken,omitempty"`
}

func (s *Service) listUsersInGroup(_ context.Context, in *listUsersInGroupInput) (*listUsersInGroupOutput, error) {
	var c constraints
	c.Within("limit", in.Limit, 0, mostPerPage)
	if err := c.err(); err != nil {
		return nil, err
	}
	if err := in.validate(); err != nil {
		return nil, err
	}
	var p pool
	var members []user
	err := s.env.DB.View(func(tx *store.Tx) error {
		var g group
		var err error
		if p, g, err = findGroup(tx, &in.groupInput); err != nil {
			return err
		}
		members, err = membersOf(tx, p, g)
		return err
	})
	if err != nil {
		return nil, err
	}
	shown, next, err := page(members, func(u user) string { return p.fold(u.Username) }, in.Limit, in.NextToken)
	if err != nil {
		return nil, err
	}
	out := &listUsersInGroupOutput{Users: []userDetails{}, NextToken: next}
	for _, u := range shown {
		out.Users = append(out.Users, u.details())
	}
	return out, nil
}
