package cloudsim

import (
	"fmt"
	"net/http"
	"strconv"
)

// bigQueryRoutes are the methods of BigQuery that are simulated, below /bigquery/v2. Starting a job wants a scope that may
// change things, whatever the job does.
var bigQueryRoutes = []gcpRoute{
	{method: "GET", pattern: "/projects", action: "bigquery.projects.list", permission: "-", run: listBigQueryProjects},
	{method: "GET", pattern: "/projects/{project}/datasets", action: "bigquery.datasets.list", permission: "bigquery.datasets.get", run: listDatasets},
	{method: "GET", pattern: "/projects/{project}/datasets/{dataset}", action: "bigquery.datasets.get", run: getDataset},
	{method: "GET", pattern: "/projects/{project}/datasets/{dataset}/tables", action: "bigquery.tables.list", run: listTables},
	{method: "GET", pattern: "/projects/{project}/datasets/{dataset}/tables/{table}", action: "bigquery.tables.get", run: getTable},
	{method: "GET", pattern: "/projects/{project}/datasets/{dataset}/tables/{table}/data", action: "bigquery.tabledata.list", permission: "bigquery.tables.getData", run: listRows},
	{method: "GET", pattern: "/projects/{project}/jobs", action: "bigquery.jobs.list", run: listJobs},
	{method: "POST", pattern: "/projects/{project}/jobs", action: "bigquery.jobs.insert", permission: "bigquery.jobs.create", writes: true, run: insertJob},
	{method: "GET", pattern: "/projects/{project}/jobs/{job}", action: "bigquery.jobs.get", run: getJob},
	{method: "GET", pattern: "/projects/{project}/queries/{job}", action: "bigquery.jobs.getQueryResults", permission: "bigquery.jobs.get", run: queryResults},
}

func listBigQueryProjects(c *gcpCall) (any, *gcpError) {
	var all []map[string]any
	for _, p := range c.visible() {
		all = append(all, map[string]any{
			"kind": "bigquery#project", "id": p.ID, "numericId": p.Number, "friendlyName": p.Name, "projectReference": map[string]any{"projectId": p.ID},
		})
	}
	return c.bigQueryList("bigquery#projectList", "projects", all)
}

// bigQueryList pages documents the way BigQuery names them.
func (c *gcpCall) bigQueryList(kind, member string, all []map[string]any) (any, *gcpError) {
	part, next, refused := c.page(all)
	if refused != nil {
		return nil, refused
	}
	out := map[string]any{"kind": kind, "totalItems": len(all)}
	if len(part) > 0 {
		out[member] = part
	}
	if next != "" {
		out["nextPageToken"] = next
	}
	return out, nil
}

func (c *gcpCall) datasetReference(d Dataset) map[string]any {
	return map[string]any{"datasetId": d.ID, "projectId": c.project.ID}
}

func listDatasets(c *gcpCall) (any, *gcpError) {
	var all []map[string]any
	for _, d := range c.project.Datasets {
		all = append(all, map[string]any{"kind": "bigquery#dataset", "id": c.project.ID + ":" + d.ID, "location": d.Location, "datasetReference": c.datasetReference(d)})
	}
	return c.bigQueryList("bigquery#datasetList", "datasets", all)
}

// dataset finds the dataset the path names.
func (c *gcpCall) dataset() (*Dataset, *gcpError) {
	if d := c.project.dataset(c.params["dataset"]); d != nil {
		return d, nil
	}
	return nil, bigQueryNotFound("Dataset %s:%s", c.project.ID, c.params["dataset"])
}

func bigQueryNotFound(format string, args ...any) *gcpError {
	return &gcpError{code: http.StatusNotFound, status: "NOT_FOUND", reason: "notFound", message: "Not found: " + fmt.Sprintf(format, args...)}
}

func getDataset(c *gcpCall) (any, *gcpError) {
	d, refused := c.dataset()
	if refused != nil {
		return nil, refused
	}
	at := strconv.FormatInt(worldBegan.UnixMilli(), 10)
	return map[string]any{
		"kind": "bigquery#dataset", "id": c.project.ID + ":" + d.ID, "datasetReference": c.datasetReference(*d), "location": d.Location,
		"creationTime": at, "lastModifiedTime": at, "access": []any{map[string]any{"role": "OWNER", "specialGroup": "projectOwners"}},
	}, nil
}

func (c *gcpCall) tableReference(id string) map[string]any {
	return map[string]any{"projectId": c.project.ID, "datasetId": c.params["dataset"], "tableId": id}
}

func listTables(c *gcpCall) (any, *gcpError) {
	d, refused := c.dataset()
	if refused != nil {
		return nil, refused
	}
	var all []map[string]any
	for _, t := range d.Tables {
		all = append(all, map[string]any{"kind": "bigquery#table", "id": c.project.ID + ":" + d.ID + "." + t.ID, "type": "TABLE", "tableReference": c.tableReference(t.ID)})
	}
	return c.bigQueryList("bigquery#tableList", "tables", all)
}

// table finds the table the path names.
func (c *gcpCall) table() (*Table, *gcpError) {
	if _, refused := c.dataset(); refused != nil {
		return nil, refused
	}
	if t := c.project.table(c.params["dataset"], c.params["table"]); t != nil {
		return t, nil
	}
	return nil, bigQueryNotFound("Table %s:%s.%s", c.project.ID, c.params["dataset"], c.params["table"])
}

func schemaOf(columns []string) map[string]any {
	fields := []any{}
	for _, name := range columns {
		fields = append(fields, map[string]any{"name": name, "type": "STRING", "mode": "NULLABLE"})
	}
	return map[string]any{"fields": fields}
}

func getTable(c *gcpCall) (any, *gcpError) {
	t, refused := c.table()
	if refused != nil {
		return nil, refused
	}
	at := strconv.FormatInt(worldBegan.UnixMilli(), 10)
	return map[string]any{
		"kind": "bigquery#table", "id": c.project.ID + ":" + c.params["dataset"] + "." + t.ID, "type": "TABLE", "tableReference": c.tableReference(t.ID),
		"schema": schemaOf(t.Columns), "numRows": strconv.Itoa(len(t.Rows)), "numBytes": strconv.Itoa(t.size()), "creationTime": at, "lastModifiedTime": at,
	}, nil
}

// rowsOf writes rows in BigQuery's own terse form.
func rowsOf(rows [][]string) []any {
	out := []any{}
	for _, row := range rows {
		cells := []any{}
		for _, value := range row {
			cells = append(cells, map[string]any{"v": value})
		}
		out = append(out, map[string]any{"f": cells})
	}
	return out
}

// window gives the rows from startIndex on, at most maxResults of them.
func (c *gcpCall) window(rows [][]string) [][]string {
	start, err := strconv.Atoi(c.query.Get("startIndex"))
	if err != nil || start < 0 {
		start = 0
	}
	rows = rows[min(start, len(rows)):]
	if most, err := strconv.Atoi(c.query.Get("maxResults")); err == nil && most >= 0 {
		rows = rows[:min(most, len(rows))]
	}
	return rows
}

func listRows(c *gcpCall) (any, *gcpError) {
	t, refused := c.table()
	if refused != nil {
		return nil, refused
	}
	return map[string]any{"kind": "bigquery#tableDataList", "totalRows": strconv.Itoa(len(t.Rows)), "rows": rowsOf(c.window(t.Rows))}, nil
}
