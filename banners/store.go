package banners

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/gatehouse-portal/gatehouse/members"
	"github.com/gatehouse-portal/gatehouse/portal"
	"github.com/gatehouse-portal/gatehouse/records"
	"github.com/gatehouse-portal/gatehouse/schema"
)

type audit interface {
	AuditWrite(done members.AuditEntry) records.Write
}

// Author is who writes a banner: an admin, or an operator on the command line as user@host.
type Author struct {
	Admin    portal.AccountID
	Operator string
}

// Store keeps banners in the records table, and records every change in the audit in the same transaction. It is
// safe for concurrent use. The errors of reading are those of records.Table.
type Store struct {
	rows  records.Table
	audit audit
	now   func() time.Time
}

// NewStore returns the Store of the records table.
func NewStore(client records.Client, table string, audit audit, now func() time.Time) *Store {
	return &Store{rows: records.New(client, table), audit: audit, now: now}
}

// kept is how long a banner stays after its end.
const kept = 30 * 24 * time.Hour

// List returns all banners: those that are shown, those that are scheduled, and those that ended in the last 30 days.
func (s *Store) List(ctx context.Context) ([]Banner, error) {
	var all []Banner
	now := s.now()
	err := s.rows.Each(ctx, schema.Banners(), records.Select{}, func(key schema.Key, row map[string]types.AttributeValue) (bool, error) {
		records.DecodeReadable(ctx, key, row, &all)
		return true, nil
	})
	all = slices.DeleteFunc(all, func(b Banner) bool { return !b.End.IsZero() && now.Sub(b.End) >= kept })
	return sorted(all, now), err
}

// Find returns a banner; NotFound if there is none.
func (s *Store) Find(ctx context.Context, id string) (Banner, error) {
	var found Banner
	ok, err := s.rows.Get(ctx, schema.Banner(id), &found)
	if err == nil && !ok {
		err = portal.Fail(portal.NotFound, "There is no such banner.")
	}
	return found, err
}

// Add stores a new banner. Adding it twice makes two. The error is that of Checked, or Conflict if there are
// MostBanners already that are not over.
func (s *Store) Add(ctx context.Context, by Author, banner Banner) (Banner, error) {
	now := s.now()
	banner, err := banner.Checked(now)
	if err != nil {
		return banner, err
	}
	banner.ID, banner.By, banner.Operator = schema.Milliseconds(now)+"-"+strings.ToLower(rand.Text()), by.Admin, by.Operator
	banner.Created, banner.Version = now.UTC().Truncate(time.Second), 1
	for range addTries {
		if err = s.tryAdd(ctx, by, banner, now); !errors.Is(err, records.ErrRefused) {
			return banner, err
		}
	}
	return banner, portal.Fail(portal.Conflict, "Others are writing banners at this moment. Try again.")
}

// addTries is how often Add tries if others add banners at the same moment.
const addTries = 10

// added counts the banners that were ever written.
type added struct {
	Count int64 `dynamodbav:"count"`
}

// tryAdd stores the banner if nobody has added one since it counted those that are not over; otherwise the error is
// records.ErrRefused.
func (s *Store) tryAdd(ctx context.Context, by Author, banner Banner, now time.Time) error {
	var before added
	known, err := s.rows.Get(ctx, schema.BannersAdded(), &before)
	if err != nil {
		return err
	}
	all, err := s.List(ctx)
	if err != nil {
		return err
	}
	open := 0
	for _, one := range all {
		if one.State(now) != Over {
			open++
		}
	}
	if open >= MostBanners {
		return portal.Fail(portal.Conflict, fmt.Sprintf("There are %d banners already that are shown or scheduled. End or delete one first.", MostBanners))
	}
	counting := records.Write{Key: schema.BannersAdded(), Put: added{before.Count + 1}, If: records.Missing}
	if known {
		counting.If, counting.Names = "#count = :before", map[string]string{"#count": "count"}
		counting.Values = map[string]types.AttributeValue{":before": schema.Number(before.Count)}
	}
	return s.rows.Transact(ctx, "adding a banner", counting, row(banner, records.Missing), s.entry(by, members.AuditBannerAdded, banner.ID))
}

// Change replaces text, kind, audience, start and end of a banner that is not over. The error is Conflict if the
// banner is over, or has another version than the one to change.
func (s *Store) Change(ctx context.Context, by Author, banner Banner) (Banner, error) {
	before, err := s.Find(ctx, banner.ID)
	if err != nil {
		return banner, err
	}
	now := s.now()
	switch {
	case before.State(now) == Over:
		return before, portal.Fail(portal.Conflict, "The banner is over. Write a new one.")
	case before.Version != banner.Version:
		return before, changedMeanwhile()
	}
	after := before
	after.Text, after.Kind, after.Audience, after.Start, after.End = banner.Text, banner.Kind, banner.Audience, banner.Start, banner.End
	if after, err = after.Checked(now); err != nil {
		return after, err
	}
	after.Version++
	return after, s.replace(ctx, by, members.AuditBannerChanged, after)
}

func changedMeanwhile() error {
	return portal.Fail(portal.Conflict, "Somebody has changed the banner since you read it. Look at it again.")
}

// End ends a banner that is shown. Ending one that is over changes nothing. The error is Conflict for one that has not
// begun.
func (s *Store) End(ctx context.Context, by Author, id string) (Banner, error) {
	banner, err := s.Find(ctx, id)
	if err != nil {
		return banner, err
	}
	now := s.now()
	switch banner.State(now) {
	case Over:
		return banner, nil
	case Scheduled:
		return banner, portal.Fail(portal.Conflict, "The banner has not begun. Delete it instead.")
	}
	banner.End = now.UTC().Truncate(time.Second)
	banner.Version++
	return banner, s.replace(ctx, by, members.AuditBannerEnded, banner)
}

// Delete deletes a banner; NotFound if there is none.
func (s *Store) Delete(ctx context.Context, by Author, id string) error {
	err := s.rows.Transact(ctx, "deleting a banner", records.Write{Key: schema.Banner(id), If: records.Exists}, s.entry(by, members.AuditBannerDeleted, id))
	if errors.Is(err, records.ErrRefused) {
		return portal.Fail(portal.NotFound, "There is no such banner.")
	}
	return err
}

func (s *Store) replace(ctx context.Context, by Author, what string, banner Banner) error {
	write := row(banner, "version = :before")
	write.Values = map[string]types.AttributeValue{":before": schema.Number(banner.Version - 1)}
	err := s.rows.Transact(ctx, "writing a banner", write, s.entry(by, what, banner.ID))
	if errors.Is(err, records.ErrRefused) {
		return changedMeanwhile()
	}
	return err
}

func row(banner Banner, condition string) records.Write {
	write := records.Write{Key: schema.Banner(banner.ID), Put: banner, If: condition}
	if !banner.End.IsZero() {
		write.Expires = banner.End.Add(kept)
	}
	return write
}

func (s *Store) entry(by Author, what, id string) records.Write {
	return s.audit.AuditWrite(members.AuditEntry{Admin: by.Admin, Operator: by.Operator, What: what, Choice: id})
}
