package cognito

import (
	"context"

	"github.com/gatehouse-portal/gatehouse/localaws/store"
)

// adminDisableUser also makes the user's tokens invalid.
func (s *Service) adminDisableUser(_ context.Context, in *userInput) (*none, error) {
	return s.setDisabled(in, true)
}

// adminEnableUser makes earlier tokens valid again unless they have expired.
func (s *Service) adminEnableUser(_ context.Context, in *userInput) (*none, error) {
	return s.setDisabled(in, false)
}

func (s *Service) setDisabled(in *userInput, disabled bool) (*none, error) {
	return &none{}, s.change(in.UserPoolID, in.Username, func(_ *store.Tx, _ pool, u *user) error {
		u.Disabled = disabled
		return nil
	})
}

// adminUserGlobalSignOut leaves browsers signed in at the managed login, as on AWS.
func (s *Service) adminUserGlobalSignOut(_ context.Context, in *userInput) (*none, error) {
	u, err := s.userOf(in)
	if err != nil {
		return nil, err
	}
	return &none{}, s.signOutEverywhere(u)
}

type globalSignOutInput struct{ AccessToken string }

func (s *Service) globalSignOut(_ context.Context, in *globalSignOutInput) (*none, error) {
	var v constraints
	v.Text("accessToken", in.AccessToken, 8192)
	if err := v.err(); err != nil {
		return nil, err
	}
	u, _, err := s.userOfToken(in.AccessToken, userAdminScope)
	if err != nil {
		return nil, err
	}
	return &none{}, s.signOutEverywhere(u)
}

// signOutEverywhere finds grants by their refresh tokens, which every grant has.
func (s *Service) signOutEverywhere(u user) error {
	return s.env.DB.Update(func(tx *store.Tx) error {
		all, err := store.AllJSON[refreshToken](refreshTokensIn(tx))
		if err != nil {
			return err
		}
		revoked := revokedIn(tx)
		for _, t := range all {
			if t.Grant.Sub != u.Sub {
				continue
			}
			if err := revoked.Put([]byte(t.Grant.Origin), []byte{1}); err != nil {
				return err
			}
		}
		return nil
	})
}

type changePasswordInput struct {
	AccessToken, PreviousPassword, ProposedPassword string
}

// changePassword counts a wrong old password as a failed sign-in.
func (s *Service) changePassword(ctx context.Context, in *changePasswordInput) (*none, error) {
	var v constraints
	v.Text("accessToken", in.AccessToken, 8192)
	v.Text("previousPassword", in.PreviousPassword, maxPassword)
	if err := v.err(); err != nil {
		return nil, err
	}
	u, _, err := s.userOfToken(in.AccessToken, userAdminScope)
	if err != nil {
		return nil, err
	}
	p, err := s.poolOfToken(in.AccessToken)
	if err != nil {
		return nil, err
	}
	if err := p.Policy.check(in.ProposedPassword); err != nil {
		return nil, err
	}
	if _, err := s.authenticate(ctx, p, u.Username, in.PreviousPassword); err != nil {
		return nil, err
	}
	hash, err := s.hashPassword(ctx, in.ProposedPassword)
	if err != nil {
		return nil, err
	}
	return &none{}, s.change(p.ID, u.Username, func(_ *store.Tx, _ pool, u *user) error {
		u.setPassword(hash)
		return nil
	})
}
