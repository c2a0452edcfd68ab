import java.nio.file.Path;
import java.util.Map;
import java.util.Set;
import org.elasticsearch.common.logging.LogConfigurator;
import org.elasticsearch.common.settings.Settings;
import org.elasticsearch.env.Environment;
import org.elasticsearch.node.Node;
import org.elasticsearch.plugins.PluginsLoader;

/** One node of Elasticsearch's server core on loopback: `Server HOME HTTP_PORT TRANSPORT_PORT`. Ends with its input. */
public class Server {
    public static void main(String[] arguments) throws Exception {
        Path home = Path.of(arguments[0]);
        Path config = home.resolve("config");
        System.setProperty("es.path.conf", config.toString());
        Settings settings = Settings.builder()
            .put("path.home", home.toString())
            .put("cluster.name", "judge")
            .put("node.name", "judge")
            .put("discovery.type", "single-node")
            .put("network.host", "127.0.0.1")
            .put("http.port", arguments[1])
            .put("transport.port", arguments[2])
            .put("transport.type", "netty4")
            .put("http.type", "netty4")
            .put("cluster.routing.allocation.disk.threshold_enabled", false)
            .put("cluster.max_shards_per_node", 10000)
            .build();
        LogConfigurator.registerErrorListener();
        Environment environment = new Environment(settings, config);
        LogConfigurator.configure(environment, true);
        var bundles = PluginsLoader.loadModulesBundles(environment.modulesDir());
        Node node = new Node(environment, PluginsLoader.createPluginsLoader(bundles, Set.of(), Map.of(), false));
        node.start();
        System.out.println("started");
        while (System.in.read() >= 0) {} // whoever started it holds the other end
        node.close();
        System.exit(0);
    }
}
