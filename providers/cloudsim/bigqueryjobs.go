package cloudsim

import (
	"net/http"
	"regexp"
	"strconv"
	"strings"
)

// What the simulated query engine understands: a number, or all of a table. Everything else is a syntax error to it.
var (
	selectNumber = regexp.MustCompile(`(?i)^\s*select\s+([0-9]+)\s*;?\s*$`)
	selectTable  = regexp.MustCompile("(?i)^\\s*select\\s+\\*\\s+from\\s+[`\\[]?(?:([a-z][a-z0-9-]*)[.:])?([A-Za-z0-9_]+)\\.([A-Za-z0-9_]+)[`\\]]?\\s*;?\\s*$")
	jobName      = regexp.MustCompile(`^[A-Za-z0-9_-]+$`)
)

// insertJob runs a query, or tells with dryRun what it would read.
func insertJob(c *gcpCall) (any, *gcpError) {
	var in struct {
		JobReference  struct{ JobID string }
		Configuration struct {
			DryRun bool
			Query  *struct{ Query string }
		}
	}
	if refused := c.readBody(&in); refused != nil {
		return nil, refused
	}
	if in.Configuration.Query == nil {
		return nil, &gcpError{code: http.StatusBadRequest, status: "INVALID_ARGUMENT", reason: "invalid", message: "Required parameter is missing: query"}
	}
	id := in.JobReference.JobID
	if id == "" {
		id = "job_" + strings.ToLower(randomUpper(20))
	}
	if !jobName.MatchString(id) || len(id) > 1024 {
		return nil, &gcpError{code: http.StatusBadRequest, status: "INVALID_ARGUMENT", reason: "invalid", message: "Invalid job ID " + strconv.Quote(id)}
	}
	if c.project.job(id) != nil {
		return nil, &gcpError{code: http.StatusConflict, status: "ALREADY_EXISTS", reason: "duplicate", message: "Already Exists: Job " + c.project.ID + ":EU." + id}
	}
	job := QueryJob{ID: id, User: c.token.grant.subject, Query: in.Configuration.Query.Query, DryRun: in.Configuration.DryRun}
	if refused := c.ask(&job); refused != nil {
		return nil, refused
	}
	c.entry.DryRun = job.DryRun
	if !job.DryRun {
		c.project.Queries = append(c.project.Queries, job)
	}
	return c.jobDocument(job), nil
}

// ask works out what one query gives.
func (c *gcpCall) ask(job *QueryJob) *gcpError {
	if m := selectNumber.FindStringSubmatch(job.Query); m != nil {
		job.Columns, job.Rows = []string{"f0_"}, [][]string{{m[1]}}
		return nil
	}
	m := selectTable.FindStringSubmatch(job.Query)
	if m == nil {
		return &gcpError{code: http.StatusBadRequest, status: "INVALID_ARGUMENT", reason: "invalidQuery", message: "Syntax error: the simulated BigQuery knows SELECT <number> and SELECT * FROM <dataset>.<table>"}
	}
	project := c.project
	if m[1] != "" {
		project = c.cloud.server.world.GCP.project(m[1])
	}
	if project == nil || !project.may(c.token.grant.subject, "bigquery.tables.getData") {
		return &gcpError{code: http.StatusForbidden, status: "PERMISSION_DENIED", reason: "accessDenied",
			message: "Access Denied: Table " + m[1] + ":" + m[2] + "." + m[3] + ": User does not have permission to query table, or perhaps it does not exist."}
	}
	table := project.table(m[2], m[3])
	if table == nil {
		return bigQueryNotFound("Table %s:%s.%s", project.ID, m[2], m[3])
	}
	job.Columns, job.Rows, job.Bytes = table.Columns, table.Rows, table.size()
	return nil
}

func (c *gcpCall) jobReference(id string) map[string]any {
	return map[string]any{"projectId": c.project.ID, "jobId": id, "location": "EU"}
}

func (c *gcpCall) jobDocument(j QueryJob) map[string]any {
	at, read := strconv.FormatInt(worldBegan.UnixMilli(), 10), strconv.Itoa(j.Bytes)
	query := map[string]any{"totalBytesProcessed": read, "statementType": "SELECT"}
	if j.DryRun {
		query["schema"] = schemaOf(j.Columns)
	}
	reference := c.jobReference(j.ID)
	if j.DryRun {
		delete(reference, "jobId") // what was only tried has no name
	}
	return map[string]any{
		"kind": "bigquery#job", "id": c.project.ID + ":EU." + j.ID, "jobReference": reference, "user_email": j.User,
		"status": map[string]any{"state": "DONE"}, "statistics": map[string]any{"creationTime": at, "startTime": at, "endTime": at, "totalBytesProcessed": read, "query": query},
		"configuration": map[string]any{"jobType": "QUERY", "dryRun": j.DryRun, "query": map[string]any{"query": j.Query}},
	}
}

func listJobs(c *gcpCall) (any, *gcpError) {
	var all []map[string]any
	for _, j := range c.project.Queries {
		document := c.jobDocument(j)
		document["state"] = "DONE"
		all = append(all, document)
	}
	return c.bigQueryList("bigquery#jobList", "jobs", all)
}

// job finds the job the path names.
func (c *gcpCall) job() (*QueryJob, *gcpError) {
	if j := c.project.job(c.params["job"]); j != nil {
		return j, nil
	}
	return nil, bigQueryNotFound("Job %s:%s", c.project.ID, c.params["job"])
}

func getJob(c *gcpCall) (any, *gcpError) {
	j, refused := c.job()
	if refused != nil {
		return nil, refused
	}
	return c.jobDocument(*j), nil
}

func queryResults(c *gcpCall) (any, *gcpError) {
	j, refused := c.job()
	if refused != nil {
		return nil, refused
	}
	return map[string]any{
		"kind": "bigquery#getQueryResultsResponse", "jobReference": c.jobReference(j.ID), "jobComplete": true,
		"schema": schemaOf(j.Columns), "totalRows": strconv.Itoa(len(j.Rows)), "rows": rowsOf(c.window(j.Rows)),
	}, nil
}
