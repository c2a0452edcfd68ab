import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.PrintStream;
import java.util.Date;
import java.util.List;
import java.util.Map;
import org.elasticsearch.ElasticsearchException;
import org.elasticsearch.ExceptionsHelper;
import org.elasticsearch.action.search.SearchRequest;
import org.elasticsearch.cluster.ClusterState;
import org.elasticsearch.common.Strings;
import org.elasticsearch.common.logging.LogConfigurator;
import org.elasticsearch.common.settings.Settings;
import org.elasticsearch.common.unit.ByteSizeValue;
import org.elasticsearch.search.SearchModule;
import org.elasticsearch.xcontent.NamedXContentRegistry;
import org.elasticsearch.xcontent.ToXContent;
import org.elasticsearch.xcontent.XContentBuilder;
import org.elasticsearch.xcontent.XContentParser;
import org.elasticsearch.xcontent.XContentParserConfiguration;
import org.elasticsearch.xcontent.json.JsonXContent;
import org.elasticsearch.xpack.core.ml.action.PutDatafeedAction;
import org.elasticsearch.xpack.core.ml.action.PutJobAction;
import org.elasticsearch.xpack.core.ml.action.UpdateDatafeedAction;
import org.elasticsearch.xpack.core.ml.action.UpdateJobAction;
import org.elasticsearch.xpack.core.ml.datafeed.DatafeedConfig;
import org.elasticsearch.xpack.core.ml.datafeed.DatafeedJobValidator;
import org.elasticsearch.xpack.core.ml.job.config.Job;

/**
 * The request parsers of jobs and datafeeds. A line `{"kind", "id", "body", "job"?, "datafeed"?}` comes in, a line
 * `{"status", "body"}` goes out: the configuration as it is shown, or the error as REST shows it.
 */
public class Parsers {
    private static final Date CREATED = new Date(1700000000000L);
    private static final NamedXContentRegistry REGISTRY =
        new NamedXContentRegistry(new SearchModule(Settings.EMPTY, List.of()).getNamedXContents());

    public static void main(String[] arguments) throws Exception {
        PrintStream answers = System.out;
        System.setOut(System.err);
        LogConfigurator.configureESLogging();
        BufferedReader questions = new BufferedReader(new InputStreamReader(System.in));
        for (String line = questions.readLine(); line != null; line = questions.readLine()) {
            answers.println(answer(line));
            answers.flush();
        }
    }

    private static String answer(String line) throws IOException {
        try (XContentBuilder builder = JsonXContent.contentBuilder()) {
            try {
                ToXContent parsed = parse(line);
                XContentBuilder shown = JsonXContent.contentBuilder();
                parsed.toXContent(shown, ToXContent.EMPTY_PARAMS);
                builder.startObject().field("status", 200).field("body", read(Strings.toString(shown))).endObject();
                return Strings.toString(builder);
            } catch (Exception error) {
                return failure(error);
            }
        }
    }

    private static String failure(Exception error) throws IOException {
        try (XContentBuilder builder = JsonXContent.contentBuilder()) {
            int status = ExceptionsHelper.status(error).getStatus();
            builder.startObject().field("status", status).startObject("body");
            ElasticsearchException.generateFailureXContent(builder, ToXContent.EMPTY_PARAMS, error, true);
            builder.field("status", status).endObject().endObject();
            return Strings.toString(builder);
        }
    }

    private static ToXContent parse(String line) throws IOException {
        Map<String, Object> question = read(line);
        String id = (String) question.get("id");
        XContentParser body = parser(question.get("body"));
        return switch ((String) question.get("kind")) {
            case "job" -> built(PutJobAction.Request.parseRequest(id, body, SearchRequest.DEFAULT_INDICES_OPTIONS).getJobBuilder());
            case "datafeed" -> {
                var options = SearchRequest.DEFAULT_INDICES_OPTIONS;
                DatafeedConfig datafeed = PutDatafeedAction.Request.parseRequest(id, options, body).getDatafeed();
                DatafeedJobValidator.validate(datafeed, job(datafeed.getJobId(), question.get("job")), REGISTRY);
                yield datafeed;
            }
            case "job_update" -> UpdateJobAction.Request.parseRequest(id, body)
                .getJobUpdate()
                .mergeWithJob(job(id, question.get("job")), ByteSizeValue.ZERO);
            case "datafeed_update" -> {
                var options = SearchRequest.DEFAULT_INDICES_OPTIONS;
                XContentParser known = parser(question.get("datafeed"));
                DatafeedConfig datafeed = PutDatafeedAction.Request.parseRequest(id, options, known).getDatafeed();
                DatafeedConfig updated = UpdateDatafeedAction.Request.parseRequest(id, null, body)
                    .getUpdate()
                    .apply(datafeed, Map.of(), ClusterState.EMPTY_STATE);
                DatafeedJobValidator.validate(updated, job(updated.getJobId(), question.get("job")), REGISTRY);
                yield updated;
            }
            default -> throw new IllegalStateException("unknown kind");
        };
    }

    private static Job job(String id, Object body) throws IOException {
        Job.Builder builder = Job.REST_REQUEST_PARSER.apply(parser(body), null);
        builder.setId(id);
        return built(builder);
    }

    private static Job built(Job.Builder builder) {
        builder.validateAnalysisLimitsAndSetDefaults(null);
        builder.validateModelSnapshotRetentionSettingsAndSetDefaults();
        builder.validateDetectorsAreUnique();
        return builder.build(CREATED);
    }

    private static XContentParser parser(Object value) throws IOException {
        XContentBuilder builder = JsonXContent.contentBuilder();
        builder.value(value);
        var configuration = XContentParserConfiguration.EMPTY.withRegistry(REGISTRY);
        return JsonXContent.jsonXContent.createParser(configuration, Strings.toString(builder));
    }

    private static Map<String, Object> read(String json) throws IOException {
        try (XContentParser parser = JsonXContent.jsonXContent.createParser(XContentParserConfiguration.EMPTY, json)) {
            return parser.mapOrdered();
        }
    }
}
