package administration

// Outlook is what a replay would come to at this moment.
type Outlook string

// The outlooks.
const (
	CarriedOut    Outlook = "carried_out"
	Superseded    Outlook = "superseded"
	Rejected      Outlook = "rejected"
	Unchanged     Outlook = "unchanged" // what it asks for holds already, or is on its way
	HandledBefore Outlook = "handled"   // it was handled before, so it leads to nothing new
	FailsAgain    Outlook = "fails_again"
	WakesUp       Outlook = "wakes_up"       // a fact or a wake-up: a worker looks again
	NotReplayable Outlook = "not_replayable" // this version cannot read it
)

// ReplayOutlook is an Outlook in words, which end without a full stop.
type ReplayOutlook struct {
	Outlook Outlook
	Text    string
}
