{{- /* What runs at the moment that is given, and goes when it has succeeded. */ -}}
{{- define "anomalyops.hook" -}}
helm.sh/hook: {{ . }}
helm.sh/hook-delete-policy: before-hook-creation,hook-succeeded
{{- end }}

{{- /* The Job of a hook, in the operator's image: given as a list of the root, the component's name, the service account
  and the arguments. */ -}}
{{- define "anomalyops.hookJob" -}}
{{- $root := index . 0 -}}
backoffLimit: 3
activeDeadlineSeconds: 600
template:
  metadata:
    labels:
      {{- include "anomalyops.selectorOf" (list $root (index . 1)) | nindent 6 }}
      {{- with $root.Values.podLabels }}{{ toYaml . | nindent 6 }}{{ end }}
  spec:
    restartPolicy: Never
    serviceAccountName: {{ index . 2 }}
    automountServiceAccountToken: true
    {{- with $root.Values.imagePullSecrets }}
    imagePullSecrets: {{- toYaml . | nindent 6 }}
    {{- end }}
    {{- with $root.Values.priorityClassName }}
    priorityClassName: {{ . }}
    {{- end }}
    securityContext: {{- include "anomalyops.podSecurity" $root | nindent 6 }}
    containers:
      - name: {{ index . 1 }}
        image: {{ include "anomalyops.image" $root }}
        imagePullPolicy: {{ $root.Values.image.pullPolicy }}
        args: {{- toYaml (index . 3) | nindent 10 }}
        {{- with $root.Values.env }}
        env: {{- toYaml . | nindent 10 }}
        {{- end }}
        resources: {{- toYaml $root.Values.resources | nindent 10 }}
        securityContext: {{- include "anomalyops.containerSecurity" $root | nindent 10 }}
    {{- with $root.Values.nodeSelector }}
    nodeSelector: {{- toYaml . | nindent 6 }}
    {{- end }}
    {{- with $root.Values.tolerations }}
    tolerations: {{- toYaml . | nindent 6 }}
    {{- end }}
    {{- with $root.Values.affinity }}
    affinity: {{- toYaml . | nindent 6 }}
    {{- end }}
{{- end }}
