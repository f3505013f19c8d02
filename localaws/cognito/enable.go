package cognito

import (
	"context"

	"github.com/gatehouse-portal/gatehouse/localaws/store"
)

// adminDisableUser keeps a user out: signing in is refused, and all tokens are.
func (s *Service) adminDisableUser(_ context.Context, in *userInput) (*none, error) {
	return s.setDisabled(in, true)
}

// adminEnableUser lets a user in again, also with the tokens of before that have
// not expired.
func (s *Service) adminEnableUser(_ context.Context, in *userInput) (*none, error) {
	return s.setDisabled(in, false)
}

func (s *Service) setDisabled(in *userInput, disabled bool) (*none, error) {
	return &none{}, s.change(in.UserPoolID, in.Username, func(_ *store.Tx, _ pool, u *user) error {
		u.Disabled = disabled
		return nil
	})
}

// adminUserGlobalSignOut ends all tokens of a user. Browsers stay signed in at the
// managed login, as on AWS.
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

// signOutEverywhere revokes every grant of the user. Each has had a refresh token.
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

// changePassword is for who is signed in and knows the old one. A wrong one counts
// as a failure to sign in.
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
