package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/gatehouse-portal/gatehouse/app"
	"github.com/gatehouse-portal/gatehouse/projections"
	"github.com/gatehouse-portal/gatehouse/schema"
)

type projectionsCommand struct {
	Status  projectionsStatusCommand  `cmd:"" help:"Show which generation of the views is live, how far they are behind the journal, and how far a rebuild has come."`
	Rebuild projectionsRebuildCommand `cmd:"" help:"Ask a worker to rebuild all views from the journal, and wait until it has. The portal shows the old views until the new ones are complete."`
	Verify  projectionsVerifyCommand  `cmd:"" help:"Compare the views with the journal, row by row, and name the differences."`
}

type projectionsStatusCommand struct {
	output
	Quick bool `help:"Do not read every stream to say how far the views are behind."`
}

type statusJSON struct {
	projections.GenerationsStatus
	Rows       *int64               `json:"rows,omitempty"`
	Lag        *projections.Lag     `json:"lag,omitempty"`
	Rebuilding *rebuildingJSON      `json:"rebuilding,omitempty"`
	Last       *projections.Rebuilt `json:"last_rebuild,omitempty"`
}

type rebuildingJSON struct {
	Since      *time.Time        `json:"since"`
	Generation schema.Generation `json:"generation"`
	Phase      projections.Phase `json:"phase"`
	Pass       int               `json:"pass,omitempty"`
	Streams    int               `json:"streams"`
}

func (c projectionsStatusCommand) Run(ctx context.Context) error {
	p, err := process(ctx)
	if err != nil {
		return err
	}
	status, err := app.StatusOfViews(ctx, p)
	if err != nil {
		return err
	}
	value := statusJSON{GenerationsStatus: status.GenerationsStatus, Last: status.Last}
	if status.Rows >= 0 {
		value.Rows = &status.Rows
	}
	if !c.Quick {
		if value.Lag, err = lagOf(ctx, app.OpenViewsVerifier(p)); err != nil {
			return err
		}
	}
	if at := status.Rebuilding; at != nil {
		value.Rebuilding = &rebuildingJSON{Since: instant(status.Since), Generation: at.Generation, Phase: at.Phase, Streams: at.Seen}
		if at.Phase == projections.PhaseShowing {
			value.Rebuilding.Pass = at.Result.Passes + 1
		}
	}
	return c.print(os.Stdout, value, func(w io.Writer) { describeViews(w, status, value.Lag) })
}

func lagOf(ctx context.Context, views app.ViewsVerifier) (*projections.Lag, error) {
	streams, err := views.Streams(ctx)
	if err != nil {
		return nil, err
	}
	bar := newProgressBar(os.Stderr, "looked at the end of", streams)
	lag, err := views.Lag(ctx, bar.tell)
	bar.end()
	return &lag, err
}

func lagText(lag *projections.Lag, now time.Time) string {
	switch {
	case lag == nil:
		return ""
	case lag.Behind == 0:
		return "none; all of " + count(lag.Streams, "stream") + " shown to the end"
	}
	text := fmt.Sprintf("%s of %d not shown to the end: %s missing", count(lag.Behind, "stream"), lag.Streams, count(int(lag.Unshown), "fact"))
	if !lag.Oldest.IsZero() {
		text += fmt.Sprintf(", the oldest from %s, %s ago", moment(lag.Oldest), now.Sub(lag.Oldest).Round(time.Second))
	}
	return text
}

func describeViews(w io.Writer, status app.ViewsStatus, lag *projections.Lag) {
	live := fmt.Sprintf("generation %d, shape %d", status.Live, status.Shape)
	if status.Shape < status.Current {
		live += fmt.Sprintf("; this version writes shape %d, so its workers rebuild the views automatically", status.Current)
	}
	rebuild := "none under way"
	switch {
	case status.Rebuilding != nil:
		rebuild = fmt.Sprintf("since %s: %s", moment(status.Since), progressText(*status.Rebuilding))
	case status.Next != 0:
		rebuild = fmt.Sprintf("generation %d was begun, but no worker is writing it; one continues within a minute", status.Next)
	}
	last := "none in the last three months"
	if status.Last != nil {
		last = moment(status.Last.Ended) + ": " + rebuiltText(*status.Last)
	}
	rows := ""
	if status.Rows >= 0 {
		rows = fmt.Sprintf("%d in all generations, as DynamoDB counted them in the last six hours", status.Rows)
	}
	pairs(w, [2]string{"live", live}, [2]string{"lag", lagText(lag, time.Now())}, [2]string{"rows", rows}, [2]string{"rebuild", rebuild}, [2]string{"last rebuild", last})
}

func progressText(at projections.Rebuilding) string {
	switch at.Phase {
	case projections.PhaseAnnounced:
		return fmt.Sprintf("waiting until every worker also writes generation %d", at.Generation)
	case projections.PhaseShowing:
		return fmt.Sprintf("pass %d: %s written to generation %d", at.Result.Passes+1, count(at.Seen, "stream"), at.Generation)
	case projections.PhaseMoving, projections.PhaseMoved:
		return fmt.Sprintf("generation %d is complete; readers are switching to it", at.Generation)
	case projections.PhaseChecking:
		return fmt.Sprintf("readers use generation %d; %s checked again", at.Generation, count(at.Seen, "stream"))
	}
	return fmt.Sprintf("readers use generation %d; %s of older generations deleted", at.Generation, count(at.Result.Deleted, "row"))
}

func rebuiltText(result projections.Rebuilt) string {
	text := fmt.Sprintf("generation %d, %s, %s of older generations deleted", result.Generation, count(result.Streams, "stream"), count(result.Deleted, "row"))
	if result.Unreadable > 0 {
		text += fmt.Sprintf("; %s could not be read", count(result.Unreadable, "stream"))
	}
	return text
}

type projectionsRebuildCommand struct {
	output
	Rate int `help:"Write at most this many streams a second, so that people notice nothing. 0 is as many as a worker can." default:"0" placeholder:"N"`
}

// Validate checks the command line.
func (c projectionsRebuildCommand) Validate() error {
	if c.Rate != 0 && c.Rate < projections.MinRate {
		return usageError(fmt.Sprintf("--rate %d: want at least %d, or 0 for no limit", c.Rate, projections.MinRate))
	}
	return nil
}

func (c projectionsRebuildCommand) Run(ctx context.Context) error {
	p, err := process(ctx)
	if err != nil {
		return err
	}
	status, err := app.StatusOfViews(ctx, p)
	if err != nil {
		return err
	}
	tell(os.Stderr, "Asking a worker to rebuild all views from the journal. The portal shows the old views until the new ones are complete.")
	if status.Rebuilding != nil {
		tell(os.Stderr, "Another rebuild is under way. This one starts when that one ends.")
	}
	streams, err := app.OpenViewsVerifier(p).Streams(ctx)
	if err != nil {
		return err
	}
	var (
		printed string
		phase   projections.Phase
		passes  int
		told    time.Time
	)
	result, err := app.RebuildViews(ctx, p, c.Rate, warnWaiting, func(at projections.Rebuilding) {
		if at.Phase == projections.PhaseShowing && at.Seen == 0 {
			return // nothing is written yet
		}
		text := progressText(at)
		if streams > 0 && (at.Phase == projections.PhaseShowing || at.Phase == projections.PhaseChecking) {
			text += fmt.Sprintf(" of %d", streams)
		}
		sameStep := at.Phase == phase && at.Result.Passes == passes
		if text != printed && (!sameStep || time.Since(told) >= lineEvery) {
			tell(os.Stderr, text)
			printed, phase, passes, told = text, at.Phase, at.Result.Passes, time.Now()
		}
	})
	if err != nil {
		return err
	}
	if err := c.print(os.Stdout, result, func(w io.Writer) {
		fmt.Fprintf(w, "Rebuilt the views: %s.\n", rebuiltText(result))
		for _, stream := range result.First {
			fmt.Fprintf(w, "  %s cannot be read; the workers' log says why\n", stream)
		}
	}); err != nil {
		return err
	}
	if result.Unreadable > 0 {
		return fmt.Errorf("%s could not be read", count(result.Unreadable, "stream"))
	}
	return nil
}
