package app

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"

	"github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider"

	"github.com/gatehouse-portal/gatehouse/accounts"
	"github.com/gatehouse-portal/gatehouse/adoptions"
	"github.com/gatehouse-portal/gatehouse/gateway"
	"github.com/gatehouse-portal/gatehouse/identity"
	"github.com/gatehouse-portal/gatehouse/journal"
	"github.com/gatehouse-portal/gatehouse/members"
	"github.com/gatehouse-portal/gatehouse/migration"
	"github.com/gatehouse-portal/gatehouse/migration/predecessor"
	"github.com/gatehouse-portal/gatehouse/portal"
	"github.com/gatehouse-portal/gatehouse/provisioning"
)

// Migration takes over people and keys from an earlier portal.
type Migration struct {
	clients
	names   Names
	plane   *gateway.ControlPlane
	runner  *migration.Runner
	sending messaging
	plans   []gateway.UsagePlan
}

// OpenMigration returns a migration. The accounts are those of the issuer's users. It makes no call.
func OpenMigration(p Process, issuer string) (*Migration, error) {
	c, names := newClients(p.AWS), NamesFor(p.Config.Prefix)
	plane, err := newControlPlane(c, names, p)
	if err != nil {
		return nil, err
	}
	sending, now := newMessaging(c, names), p.now()
	facts := journal.New(c.dynamodb, names.Journal, names.Records)
	return &Migration{
		clients: c, names: names, plane: plane, sending: sending,
		runner: &migration.Runner{
			Issuer: issuer, Sender: sending, Now: now,
			Opener:   identity.Opener{DynamoDB: c.dynamodb, Tables: names.identity(), Now: now},
			People:   identity.Lookup{DynamoDB: c.dynamodb, Tables: names.identity()},
			Rows:     adoptions.NewStore(c.dynamodb, names.Records, now),
			Accounts: accounts.NewReader(facts, c.dynamodb, names.Records, now),
			Feedback: members.NewStore(c.dynamodb, names.Records, now),
		},
	}, nil
}

// Pool returns the Cognito user pool of an issuer; ok is false for another provider.
func (m *Migration) Pool(issuer string) (pool string, ok bool) {
	pool, _, ok = m.poolOf(issuer)
	return pool, ok
}

// PredecessorSource says where the AWS Serverless Developer Portal keeps its data.
type PredecessorSource struct {
	Tables predecessor.Tables
	Pool   string
	// Identities is the file that gives the user of each identity id, "" for none.
	Identities string
}

// Predecessor plans to take over people and keys of the AWS Serverless Developer Portal. It reads
// tables, users and API Gateway, the latter within the budget. reading hears what it reads.
func (m *Migration) Predecessor(ctx context.Context, from PredecessorSource, reading func(what string)) (migration.Worklist, error) {
	var identities map[string]string
	if from.Identities != "" {
		file, err := os.Open(from.Identities)
		if err != nil {
			return migration.Worklist{}, err
		}
		defer func() { _ = file.Close() }()
		if identities, err = predecessor.ReadIdentities(file); err != nil {
			return migration.Worklist{}, err
		}
	}
	reading("people and feedback")
	cfg := m.config
	if userPool.MatchString(from.Pool) {
		cfg.Region, _, _ = strings.Cut(from.Pool, "_")
	}
	found, err := predecessor.Reader{DynamoDB: m.dynamodb, Cognito: cognitoidentityprovider.NewFromConfig(cfg)}.Read(ctx, from.Tables, from.Pool)
	if err != nil {
		return migration.Worklist{}, whyNot(ctx, err)
	}
	found.Identities = identities
	if found.Gateway, err = m.inventory(ctx, reading); err != nil {
		return migration.Worklist{}, err
	}
	return found.Worklist(), nil
}

// Catalog describes the catalog of the AWS Serverless Developer Portal as product folders. The plans
// are those that Predecessor has read.
func (m *Migration) Catalog(ctx context.Context, bucket string) ([]migration.ProductFolder, []migration.Unmatched, error) {
	files, sdks, err := predecessor.ReadCatalog(ctx, m.s3, bucket)
	if err != nil {
		return nil, nil, explainedOf("bucket "+bucket, err)
	}
	folders, unmatched := migration.Products(files, sdks, m.plans)
	return folders, unmatched, nil
}

// Rows plans to take over the keys of a file. With a bad row, nothing should be done.
func (m *Migration) Rows(ctx context.Context, rows []migration.Row, reading func(what string)) (migration.Worklist, []migration.BadRow, error) {
	has, err := m.inventory(ctx, reading)
	if err != nil {
		return migration.Worklist{}, nil, err
	}
	plan, bad := migration.WorklistOf(rows, has, func(name string) bool {
		_, _, ours := gateway.ParseKeyName(m.names.KeyNamePrefix(), name)
		return ours
	})
	return plan, bad, nil
}

// inventory lists keys, plans, and the keys of each plan.
func (m *Migration) inventory(ctx context.Context, reading func(what string)) (migration.Gateway, error) {
	session := m.plane.Session(gateway.Background, nil)
	has := migration.Gateway{InPlan: map[portal.GatewayKeyID][]portal.PlanID{}}
	reading("API Gateway's keys and usage plans")
	keys, err := everyPage(ctx, func(position string) ([]gateway.Listed, string, error) { return session.KeysPage(ctx, "", position) })
	if err != nil {
		return has, err
	}
	plans, err := everyPage(ctx, func(position string) ([]gateway.UsagePlan, string, error) {
		return session.UsagePlansPage(ctx, position)
	})
	if err != nil {
		return has, err
	}
	has.Keys, has.Plans, m.plans = keys, plans, plans
	for n, plan := range plans {
		reading(fmt.Sprintf("the keys of usage plan %d of %d", n+1, len(plans)))
		in, err := everyPage(ctx, func(position string) ([]gateway.Listed, string, error) {
			return session.PlanKeysPage(ctx, plan.ID, "", position)
		})
		if err != nil {
			return has, err
		}
		for _, key := range in {
			has.InPlan[key.ID] = append(has.InPlan[key.ID], plan.ID)
		}
	}
	return has, nil
}

// everyPage reads all pages. It waits while the budget has no token or API Gateway throttles.
func everyPage[T any](ctx context.Context, page func(position string) ([]T, string, error)) ([]T, error) {
	var all []T
	for position := ""; ; {
		err := provisioning.RetryPostponed(ctx, wait, func() error {
			items, next, err := page(position)
			if err == nil {
				all, position = append(all, items...), next
			}
			return err
		})
		if err != nil {
			return nil, whyNot(ctx, err)
		}
		if position == "" {
			return all, nil
		}
	}
}

// Run carries a plan out, and records in the audit that this operator does. progress hears of the people that are done.
func (m *Migration) Run(ctx context.Context, list migration.Worklist, progress func(done, of int)) (migration.Done, error) {
	if err := auditOperator(ctx, m.clients, m.names, m.runner.Now, members.AuditEntry{What: members.AuditMigrated, Count: len(list.People)}); err != nil {
		return migration.Done{}, err
	}
	m.runner.Progress = progress
	done, err := m.runner.Run(ctx, list)
	return done, errors.Join(whyNot(ctx, err), m.sending.close())
}
