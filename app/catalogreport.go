package app

import (
	"context"
	"errors"
	"fmt"
	"strings"

	ddbtypes "github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/gatehouse-portal/gatehouse/catalog"
	"github.com/gatehouse-portal/gatehouse/jobs"
)

// LastCatalogReport returns what workers found when they last read the catalog; ok is false if
// they never have.
func LastCatalogReport(ctx context.Context, p Process) (report catalog.Report, ok bool, err error) {
	c, names := newClients(p.AWS), NamesFor(p.Config.Prefix)
	report, ok, err = catalog.LastReport(ctx, jobs.NewScratch(c.dynamodb, names.Records, p.now()))
	return report, ok, InWords(err)
}

// catalogReports reads what workers last found in the catalog.
type catalogReports struct{ scratch *jobs.Scratch }

func (c catalogReports) LastReport(ctx context.Context) (catalog.Report, bool, error) {
	return catalog.LastReport(ctx, c.scratch)
}

const maxListed = 10

func catalogOf(e estate, p Process) resource {
	return resource{what: "catalog", inspect: func(ctx context.Context) (finding, error) {
		report, ok, err := catalog.LastReport(ctx, jobs.NewScratch(e.dynamodb, e.names.Records, p.now()))
		var noTable *ddbtypes.ResourceNotFoundException
		switch {
		case errors.As(err, &noTable):
			return finding{}, blocked("the table " + e.names.Records + " does not exist")
		case err != nil:
			return finding{}, err
		case !ok:
			return finding{note: "no worker has read it yet"}, nil
		case report.Errors() > 0:
			return found(fault{
				says:   fmt.Sprintf("Problems: %d, when the workers last read it, on %s. %s", report.Errors(), dateAndTime(report.Ended), firstProblems(report)),
				advice: "`gatehouse catalog status` lists them all. The rest of the catalog is published.",
			})
		}
		return finding{note: offeredNote(report)}, nil
	}}
}

func firstProblems(report catalog.Report) string {
	var texts []string
	for _, problem := range report.Problems {
		if !problem.Warning && len(texts) < maxListed {
			texts = append(texts, problem.String())
		}
	}
	return strings.Join(texts, " ") + more(report.Errors()-len(texts))
}

func offeredNote(report catalog.Report) string {
	note := fmt.Sprintf("read on %s; products: %d; plans offered: %d", dateAndTime(report.Ended), report.Products, report.Plans)
	if report.NotOfferedCount == 0 {
		return note
	}
	var texts []string
	for _, plan := range report.NotOffered[:min(len(report.NotOffered), maxListed)] {
		texts = append(texts, fmt.Sprintf("%s (%s): %s", plan.Name, plan.Plan, plan.Reason))
	}
	return fmt.Sprintf("%s; not offered: %d. %s", note, report.NotOfferedCount, strings.Join(texts, " ")+more(report.NotOfferedCount-len(texts)))
}

func more(n int) string {
	if n <= 0 {
		return ""
	}
	return fmt.Sprintf(" And %d more; `gatehouse catalog status` lists them.", n)
}
