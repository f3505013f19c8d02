package kms

import (
	"context"
	"time"

	"github.com/gatehouse-portal/gatehouse/localaws/store"
	"github.com/gatehouse-portal/gatehouse/localaws/wire"
)

type keyIDInput struct {
	KeyID string `json:"KeyId"`
}

type keyIDOutput struct {
	KeyID string `json:"KeyId"`
}

func (s *Service) enableKey(_ context.Context, in *keyIDInput) (*none, error) {
	_, err := s.change(in.KeyID, func(k *key) error {
		if err := s.notPendingDeletion(*k); err != nil {
			return err
		}
		k.State = enabled
		return nil
	})
	return &none{}, err
}

func (s *Service) disableKey(_ context.Context, in *keyIDInput) (*none, error) {
	_, err := s.change(in.KeyID, func(k *key) error {
		if err := s.notPendingDeletion(*k); err != nil {
			return err
		}
		k.State = disabled
		return nil
	})
	return &none{}, err
}

type scheduleKeyDeletionInput struct {
	KeyID               string `json:"KeyId"`
	PendingWindowInDays *int
}

type scheduleKeyDeletionOutput struct {
	KeyID               string  `json:"KeyId"`
	DeletionDate        float64 `json:"DeletionDate"`
	KeyState            string  `json:"KeyState"`
	PendingWindowInDays int     `json:"PendingWindowInDays"`
}

// scheduleKeyDeletion deletes a key after 7 to 30 days, 30 by default, unless
// CancelKeyDeletion restores it.
func (s *Service) scheduleKeyDeletion(_ context.Context, in *scheduleKeyDeletionInput) (*scheduleKeyDeletionOutput, error) {
	days := 30
	if in.PendingWindowInDays != nil {
		days = *in.PendingWindowInDays
	}
	var c constraints
	c.Within("pendingWindowInDays", &days, 7, 30)
	if err := c.err(); err != nil {
		return nil, err
	}
	k, err := s.changeIn(in.KeyID, func(tx *store.Tx, k *key) error {
		if err := s.notPendingDeletion(*k); err != nil {
			return err
		}
		if replicas, err := s.replicas(tx, *k); err != nil {
			return err
		} else if len(replicas) > 0 {
			return wire.NotImplemented("The deletion of a multi-Region key before that of its replicas")
		}
		k.State = pendingDeletion
		k.DeletionDate = s.env.Now().Add(time.Duration(days) * 24 * time.Hour)
		return nil
	})
	if err != nil {
		return nil, err
	}
	return &scheduleKeyDeletionOutput{
		KeyID: s.keyARN(k.ID), DeletionDate: epoch(k.DeletionDate), KeyState: k.State, PendingWindowInDays: days,
	}, nil
}

// cancelKeyDeletion leaves the key disabled.
func (s *Service) cancelKeyDeletion(_ context.Context, in *keyIDInput) (*keyIDOutput, error) {
	k, err := s.change(in.KeyID, func(k *key) error {
		if k.State != pendingDeletion {
			return wire.Errorf("KMSInvalidStateException", "%s is not pending deletion.", s.keyARN(k.ID))
		}
		k.State, k.DeletionDate = disabled, time.Time{}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return &keyIDOutput{s.keyARN(k.ID)}, nil
}

// change stores the key as changed by fn, unless fn fails. name is an id or ARN.
func (s *Service) change(name string, fn func(*key) error) (key, error) {
	return s.changeIn(name, func(_ *store.Tx, k *key) error { return fn(k) })
}

func (s *Service) changeIn(name string, fn func(*store.Tx, *key) error) (key, error) {
	var changed key
	err := s.env.DB.Update(func(tx *store.Tx) error {
		k, err := s.findKey(tx, name)
		if err != nil {
			return err
		}
		if err := fn(tx, &k); err != nil {
			return err
		}
		changed = k
		return store.PutJSON(s.keys(tx), k.ID, k)
	})
	return changed, err
}

func (s *Service) notPendingDeletion(k key) error {
	if k.State == pendingDeletion {
		return wire.Errorf("KMSInvalidStateException", "%s is pending deletion.", s.keyARN(k.ID))
	}
	return nil
}
