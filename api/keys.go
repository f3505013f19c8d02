package api

import (
	"context"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/gatehouse-portal/gatehouse/operations"
	"github.com/gatehouse-portal/gatehouse/portal"
	"github.com/gatehouse-portal/gatehouse/projections"
)

type acceptingKeys interface {
	CreateKey(ctx context.Context, caller operations.Caller, key operations.NewKey) (operations.Operation, error)
	RenameKey(ctx context.Context, caller operations.Caller, key portal.KeyID, name string) (operations.Operation, error)
	RotateKey(ctx context.Context, caller operations.Caller, key portal.KeyID, rotation operations.Rotation) (operations.Operation, error)
	EndKey(ctx context.Context, caller operations.Caller, key portal.KeyID, end operations.End) (operations.Operation, error)
	Reveal(ctx context.Context, caller operations.Caller, key portal.KeyID) (string, error)
}

func (a *service) registerKeys(api huma.API) {
	keys := []string{tagKeys}
	huma.Register(api, huma.Operation{
		OperationID: "list-keys", Tags: keys, Method: http.MethodGet, Path: "/keys", Summary: "List my keys, without their values", Security: signedIn,
	}, a.listKeys)
	huma.Register(api, accepted(huma.Operation{
		OperationID: "create-key", Tags: keys, Method: http.MethodPost, Path: "/keys", Summary: "Create another key",
		Description: "The operation succeeds when API Gateway has the key in every plan that your other keys are in. API Gateway counts a plan's quota for each key.",
	}), a.createKey)
	huma.Register(api, accepted(huma.Operation{
		OperationID: "rename-key", Tags: keys, Method: http.MethodPatch, Path: "/keys/{key}", Summary: "Rename a key",
	}), a.renameKey)
	huma.Register(api, accepted(huma.Operation{
		OperationID: "delete-key", Tags: keys, Method: http.MethodDelete, Path: "/keys/{key}", Summary: "Revoke a key",
		Description: "The operation succeeds when API Gateway has disabled the key. It never works again, and is deleted later. The same as ending the key now.",
	}), a.deleteKey)
	huma.Register(api, accepted(huma.Operation{
		OperationID: "rotate-key", Tags: keys, Method: http.MethodPost, Path: "/keys/{key}/rotate", Summary: "Replace a key by a new one",
		Description: "The new key has the name of the old one and is in the same plans. Both work during the overlap, which counts from the decision. " +
			"The old key works at least until the new one is ready, unless it has leaked. The operation succeeds when the new key is ready.",
	}), a.rotateKey)
	huma.Register(api, accepted(huma.Operation{
		OperationID: "end-key", Tags: keys, Method: http.MethodPost, Path: "/keys/{key}/end", Summary: "End a key, or change when it ends",
		Description: "Without a body the key ends now, as if it were deleted. A key that has ended never works again.",
	}), a.endKey)
	huma.Register(api, changing(huma.Operation{
		OperationID: "reveal-key", Tags: keys, Method: http.MethodPost, Path: "/keys/{key}/reveal", Summary: "Reveal a key's value",
		Description: "Every reveal is recorded before the value is returned.",
	}), a.reveal)
}

// Changing is the input of a request that changes something and has a body.
type Changing struct {
	IdempotencyKey string `header:"Idempotency-Key" maxLength:"255" doc:"Sending the same request again with the same key returns the same operation."`
}

func (c Changing) asking() Asking { return Asking{IdempotencyKey: c.IdempotencyKey} }

// KeyPath names a key.
type KeyPath struct {
	Key string `path:"key" maxLength:"128" doc:"A key's id." example:"4t6qk0w5y2b8n1r7m3x9zcvd5h"`
}

func (p KeyPath) id() portal.KeyID { return portal.KeyID(p.Key) }

// NewKey is a key to create.
type NewKey struct {
	Name    string     `json:"name" doc:"1 to 100 characters on one line." example:"CI"`
	Expires *time.Time `json:"expires,omitempty" doc:"When the key stops working, at most 5 years from now. Without it, the key works until you end it."`
	Plan    string     `json:"plan,omitempty" maxLength:"128" doc:"A plan that you are subscribed to. You need it only if each of your plans has keys of its own."`
	Licence string     `json:"licence,omitempty" maxLength:"512" doc:"The purchase on AWS Marketplace that pays for the key, as list-purchases names it. You need it only if you have bought the plan more than once."`
}

func (a *service) createKey(ctx context.Context, in *struct {
	Changing
	Body NewKey
}) (*acceptedOutput, error) {
	return accept(ctx, in.asking(), func(caller operations.Caller) (operations.Operation, error) {
		return a.keys.CreateKey(ctx, caller, operations.NewKey{Name: in.Body.Name, Ends: in.Body.Expires, Plan: portal.PlanID(in.Body.Plan), Licence: portal.Stream(in.Body.Licence)})
	})
}

// KeyName is a key's new name.
type KeyName struct {
	Name string `json:"name" doc:"1 to 100 characters on one line." example:"CI"`
}

func (a *service) renameKey(ctx context.Context, in *struct {
	Changing
	KeyPath
	Body KeyName
}) (*acceptedOutput, error) {
	return accept(ctx, in.asking(), func(caller operations.Caller) (operations.Operation, error) {
		return a.keys.RenameKey(ctx, caller, in.id(), in.Body.Name)
	})
}

func (a *service) deleteKey(ctx context.Context, in *struct {
	Asking
	KeyPath
}) (*acceptedOutput, error) {
	return accept(ctx, in.Asking, func(caller operations.Caller) (operations.Operation, error) {
		return a.keys.EndKey(ctx, caller, in.id(), operations.End{})
	})
}

// Rotation says how a new key replaces a key.
type Rotation struct {
	Overlap string `json:"overlap,omitempty" maxLength:"20" doc:"How long the old key still works: 0, or a number with a unit, such as 90m, 1h, 24h or 7d; at most 30d. Without it, 0." example:"1h"`
	Leaked  bool   `json:"leaked,omitempty" doc:"The old key's value became known to others: API Gateway disables the old key first, without an overlap."`
}

func (a *service) rotateKey(ctx context.Context, in *struct {
	Changing
	KeyPath
	Body *Rotation
}) (*acceptedOutput, error) {
	return accept(ctx, in.asking(), func(caller operations.Caller) (operations.Operation, error) {
		rotation := operations.Rotation{}
		if in.Body != nil {
			rotation.Leaked = in.Body.Leaked
			if in.Body.Overlap != "" {
				overlap, err := operations.ParseOverlap(in.Body.Overlap)
				if err != nil {
					return operations.Operation{}, err
				}
				rotation.Overlap = overlap
			}
		}
		return a.keys.RotateKey(ctx, caller, in.id(), rotation)
	})
}

// KeyEnd says when a key ends.
type KeyEnd struct {
	At   *time.Time `json:"at,omitempty" doc:"When the key stops working. A key that another one replaces can work for at most 30 days longer, any other for 5 years. Without it, the key ends now."`
	Keep bool       `json:"keep,omitempty" doc:"The key should not end. Not for a key that another one replaces."`
}

func (a *service) endKey(ctx context.Context, in *struct {
	Changing
	KeyPath
	Body *KeyEnd
}) (*acceptedOutput, error) {
	return accept(ctx, in.asking(), func(caller operations.Caller) (operations.Operation, error) {
		end := operations.End{}
		if in.Body != nil {
			end = operations.End{At: in.Body.At, Keep: in.Body.Keep}
		}
		return a.keys.EndKey(ctx, caller, in.id(), end)
	})
}

type revealOutput struct {
	Body struct {
		Value string `json:"value" doc:"The key's value. Send it in the x-api-key header."`
	}
}

func (a *service) reveal(ctx context.Context, in *struct {
	KeyPath
	Body *Empty
}) (*revealOutput, error) {
	account, err := callerAccount(ctx)
	if err != nil {
		return nil, problemOf(ctx, err)
	}
	value, err := a.keys.Reveal(ctx, operations.Caller{Account: account, Correlation: RequestID(ctx)}, in.id())
	if err != nil {
		return nil, problemOf(ctx, err)
	}
	out := &revealOutput{}
	out.Body.Value = value
	return out, nil
}

// Key is one of the account's keys, without its value.
type Key struct {
	ID         string     `json:"id"`
	Name       string     `json:"name"`
	Label      string     `json:"label" doc:"The name by which to tell it apart from others: a key that another one has replaced is called \"CI (replaced 27 Nov)\"."`
	State      string     `json:"state" enum:"pending,active,disabled,released,blocked,ending,ended" doc:"disabled: the operator disabled it. released: removed from API Gateway after 30 days without a subscription; the next subscription restores it. blocked: your account is suspended. ending, ended: it never works again."`
	CreatedAt  *time.Time `json:"created_at" doc:"When API Gateway created it; null while pending."`
	RevealedAt *time.Time `json:"revealed_at" doc:"When its value was last revealed."`
	EndsAt     *time.Time `json:"ends_at" doc:"When it stops working, or did; null if nobody has set an end."`
	EndsFor    string     `json:"ends_for,omitempty" enum:"revoked,leaked,rotated,expired,account_deleted,refused,lost" doc:"Why it ends. rotated: another key replaces it. lost: it came from an earlier portal, and somebody deleted it in API Gateway."`
	Replaces   string     `json:"replaces,omitempty" doc:"The key that this one replaces."`
	ReplacedBy string     `json:"replaced_by,omitempty" doc:"The key that replaces this one."`
	Adopted    bool       `json:"adopted,omitempty" doc:"The key comes from an earlier portal and has kept its value. Rotate it when it suits you."`
	Waiting    string     `json:"waiting,omitempty" enum:"aws,capacity,kms,kms_key,fault,suspended" doc:"Why a pending key is waiting."`
}

func (a *service) listKeys(ctx context.Context, _ *struct{}) (*struct{ Body List[Key] }, error) {
	account, err := a.mine(ctx)
	if err != nil {
		return nil, problemOf(ctx, err)
	}
	id, _ := callerAccount(ctx)
	revealed, err := a.views.LastReveals(ctx, id)
	if err != nil {
		return nil, problemOf(ctx, err)
	}
	return &struct{ Body List[Key] }{List[Key]{Items: ShowKeys(account, revealed)}}, nil
}

// ShowKeys returns the JSON of an account's keys; revealed is when each was last revealed.
func ShowKeys(account projections.Account, revealed map[portal.KeyID]time.Time) []Key {
	labels := portal.KeyLabels(account.NamedKeys())
	return list(account.Keys, func(k projections.Key) Key { return showKey(k, labels[k.ID], revealed[k.ID]) }).Items
}

func showKey(k projections.Key, label string, revealed time.Time) Key {
	shown := Key{
		ID: string(k.ID), Name: k.Name, Label: label, State: k.State, CreatedAt: timeOrNull(k.CreatedAt), RevealedAt: timeOrNull(revealed),
		EndsAt: timeOrNull(k.Ends), Replaces: string(k.Replaces), ReplacedBy: string(k.ReplacedBy), Waiting: k.Waiting, Adopted: k.Adopted,
	}
	if !k.Ends.IsZero() {
		shown.EndsFor = k.EndsFor
	}
	return shown
}
