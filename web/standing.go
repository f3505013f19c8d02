package web

import "github.com/gatehouse-portal/gatehouse/projections"

// standingNote says why an account cannot be used and who acts next.
type standingNote struct {
	Tone, Icon, Title string
	Reason            string
	Text              string
	Next              string
	Ask               bool
	// Locked says why nothing can be changed, as the end of a sentence, Keys what happens to the
	// account's keys.
	Locked, Keys string
	Revocable    bool
}

// standingNote is nil for an account that can be used or is not registered.
func (s *Web) standingNote(profile projections.Profile) *standingNote {
	note := standingOfAccount(profile)
	if note != nil && s.mine.Feedback != nil && profile.Status != projections.StatusDeleting {
		note.Ask = true
	}
	return note
}

func standingOfAccount(profile projections.Profile) *standingNote {
	switch profile.Status {
	case projections.StatusSuspended:
		return &standingNote{
			Tone: "bad", Icon: "cross", Title: "Your account is suspended", Reason: profile.Message,
			Text:   "API Gateway refuses your keys, and you cannot change your subscriptions and keys, except to revoke a key that leaked. Nothing is lost: once the account is reinstated, your keys work again.",
			Next:   "The operator of this portal has suspended the account, and only they can reinstate it. If you do not know why, ask them.",
			Locked: "while your account is suspended", Keys: "Your account is suspended, so API Gateway refuses your keys.", Revocable: true,
		}
	case projections.StatusPending:
		return &standingNote{
			Icon: "info", Title: "Your registration waits for approval",
			Text:   "After that, you can subscribe to APIs and get your key.",
			Next:   "Next, the operator of this portal decides. We tell you then, here and by e-mail if this portal sends mail. There is nothing you need to do.",
			Locked: "before your registration is approved", Keys: "Your registration waits for approval. After that, you can subscribe and get a key.",
		}
	case projections.StatusDenied:
		return &standingNote{
			Tone: "bad", Icon: "cross", Title: "Your registration was denied", Reason: profile.Message,
			Text:   "You can read the documentation, but you cannot subscribe to APIs.",
			Next:   "If you think that this is a mistake, ask the operator of this portal.",
			Locked: "since your registration was denied", Keys: "Your registration was denied, so you have no key.",
		}
	case projections.StatusDeleting:
		return &standingNote{
			Icon: "info", Title: "Your account is being deleted",
			Text:   "API Gateway refuses your keys already. Once they are deleted, your personal data is erased, and you are signed out. The portal then says that the account is deleted.",
			Locked: "since your account is being deleted", Keys: "Your account is being deleted, so API Gateway refuses your keys.",
		}
	}
	return nil
}
