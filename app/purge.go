package app

import (
	"context"
	"fmt"
	"time"

	"github.com/gatehouse-portal/gatehouse/gateway"
	"github.com/gatehouse-portal/gatehouse/members"
	"github.com/gatehouse-portal/gatehouse/portal"
	"github.com/gatehouse-portal/gatehouse/provisioning"
)

// KeyPurge deletes every API key that this installation has made.
type KeyPurge struct {
	p       Process
	clients clients
	names   Names
	purge   provisioning.Purge
}

// OpenKeyPurge returns a purge. It makes no call.
func OpenKeyPurge(p Process) (*KeyPurge, error) {
	c, names := newClients(p.AWS), NamesFor(p.Config.Prefix)
	plane, err := newControlPlane(c, names, p)
	if err != nil {
		return nil, err
	}
	return &KeyPurge{p: p, clients: c, names: names, purge: provisioning.Purge{
		Keys: plane.Session(gateway.Background, nil), Wait: wait,
		ParseName: func(name string) (portal.AccountID, portal.KeyID, bool) {
			return gateway.ParseKeyName(names.KeyNamePrefix(), name)
		},
	}}, nil
}

// List lists the keys of the AWS account and Region.
func (k *KeyPurge) List(ctx context.Context) (provisioning.Purgeable, error) {
	all, err := k.purge.List(ctx)
	return all, whyNot(ctx, err)
}

// workersGone is how long workers must have shown no sign of life. The job for due rows leaves one
// every minute.
const workersGone = 3 * time.Minute

// WorkersStopped fails if a worker has worked on a job in the last three minutes, since workers make
// deleted keys again.
func (k *KeyPurge) WorkersStopped(ctx context.Context) error {
	return workersStopped(ctx, k.clients, k.names, k.p, "and they would make deleted keys again")
}

func workersStopped(ctx context.Context, c clients, names Names, p Process, would string) error {
	last, err := estate{clients: c, names: names}.lastSignOfLife(ctx)
	if err != nil {
		return InWords(err)
	}
	if last.IsZero() || p.now()().Sub(last) >= workersGone {
		return nil
	}
	return portal.Fail(portal.Conflict, fmt.Sprintf("A worker has worked on a job at %s, so workers seem to run, %s. Stop all workers, and run this three minutes later. With --workers-may-run it does not wait.",
		last.UTC().Format("15:04:05 UTC"), would))
}

// Purge deletes every key that this installation has made, and records in the audit that this
// operator does. It may be interrupted and run again. progress counts keys.
func (k *KeyPurge) Purge(ctx context.Context, progress func(done, total int)) (deleted int, err error) {
	all, err := k.List(ctx)
	if err != nil || len(all.Ours) == 0 {
		return 0, err
	}
	if err := auditOperator(ctx, k.clients, k.names, k.p.now(), members.AuditEntry{What: members.AuditPurged, Count: len(all.Ours)}); err != nil {
		return 0, err
	}
	deleted, err = k.purge.Run(ctx, progress)
	return deleted, whyNot(ctx, err)
}
