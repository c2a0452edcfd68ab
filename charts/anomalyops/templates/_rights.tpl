{{- /* Generated from the kinds by `make generate`; do not edit. */ -}}
{{- define "anomalyops.kindRules" -}}
- apiGroups: [anomalyops.io]
  resources: [anomalyjobs, datafeeds, anomalyjobsets, anomalycalendars, anomalyfilters, anomalyforecasts, modelsnapshotreverts, investigations, elasticsearchconnections]
  verbs: [get, list, watch]
# Its finalizer.
- apiGroups: [anomalyops.io]
  resources: [anomalyjobs, datafeeds, anomalycalendars, anomalyfilters, anomalyforecasts, modelsnapshotreverts]
  verbs: [patch]
- apiGroups: [anomalyops.io]
  resources: [anomalyjobs/status, datafeeds/status, anomalyjobsets/status, anomalycalendars/status, anomalyfilters/status, anomalyforecasts/status, modelsnapshotreverts/status, investigations/status, elasticsearchconnections/status]
  verbs: [patch]
# What AnomalyJobSets are made of, and the Investigations that jobs trigger.
- apiGroups: [anomalyops.io]
  resources: [anomalyjobs, datafeeds, investigations]
  verbs: [create, delete]
# Reports of Investigations; they are written once, never read, and deleted with their owner.
- apiGroups: [""]
  resources: [configmaps]
  verbs: [create]
{{- end }}

{{- define "anomalyops.engineRules" -}}
- apiGroups: [apps]
  resources: [statefulsets]
  verbs: [create, get, patch, watch]
- apiGroups: [""]
  resources: [services, secrets]
  verbs: [create, get, patch, watch]
- apiGroups: [networking.k8s.io]
  resources: [networkpolicies]
  verbs: [create, get, patch, watch]
# What an engine's pod waits for; one that cannot start is replaced when its template has changed.
- apiGroups: [""]
  resources: [pods]
  verbs: [get, delete]
# A volume that shall become larger.
- apiGroups: [""]
  resources: [persistentvolumeclaims]
  verbs: [get, patch]
{{- end }}

{{- define "anomalyops.releaseRules" -}}
- apiGroups: [anomalyops.io]
  resources: [anomalyjobs, datafeeds, anomalycalendars, anomalyfilters, anomalyforecasts, modelsnapshotreverts]
  verbs: [list, patch]
{{- end }}

{{- define "anomalyops.viewRules" -}}
- apiGroups: [anomalyops.io]
  resources: [anomalyjobs, datafeeds, anomalyjobsets, anomalycalendars, anomalyfilters, anomalyforecasts, modelsnapshotreverts, investigations, elasticsearchconnections]
  verbs: [get, list, watch]
{{- end }}

{{- define "anomalyops.editRules" -}}
- apiGroups: [anomalyops.io]
  resources: [anomalyjobs, datafeeds, anomalyjobsets, anomalycalendars, anomalyfilters, anomalyforecasts, modelsnapshotreverts, investigations, elasticsearchconnections]
  verbs: [create, delete, deletecollection, get, list, patch, update, watch]
{{- end }}
