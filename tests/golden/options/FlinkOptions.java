import java.lang.reflect.Field;
import java.lang.reflect.Method;
import java.lang.reflect.Modifier;
import java.time.Duration;
import java.util.*;
import org.apache.flink.configuration.*;
import org.apache.flink.table.factories.*;
import org.apache.flink.util.TimeUtils;

/**
 * Prints the options of Flink's factories and settings: whose, key, default, values if there are only some.
 * flink.tsv is its output on Flink 2.2.1 (sql-client 2.2.0), kafka 5.0.0-2.2, jdbc 4.0.0-2.0, with the planner's jar unpacked:
 * javac -cp "$JARS" -d . FlinkOptions.java && java -cp ".:$JARS" FlinkOptions
 */
public class FlinkOptions {
  static final String FACTORIES =
      "kafka upsert-kafka jdbc filesystem datagen print blackhole json csv raw debezium-json canal-json maxwell-json ogg-json";
  static final String[] SETTINGS = {
    "table.api.config.TableConfigOptions", "table.api.config.ExecutionConfigOptions", "table.api.config.OptimizerConfigOptions",
    "table.api.config.MaterializedTableConfigOptions", "table.planner.plan.utils.WindowEmitStrategy$",
    "table.client.config.SqlClientOptions", "configuration.PipelineOptions", "configuration.ExecutionOptions",
    "configuration.CheckpointingOptions", "configuration.CoreOptions", "configuration.StateRecoveryOptions",
    "configuration.RestartStrategyOptions", "configuration.DeploymentOptions", "configuration.StateBackendOptions",
    "configuration.StateChangelogOptions", "configuration.StateLatencyTrackOptions", "configuration.BatchExecutionOptions",
  };
  static final String SETTING_KEYS = "(table|execution|pipeline|parallelism|sql-client|state|restart-strategy|materialized-table)\\..*";
  static final Set<String> LINES = new TreeSet<>();

  static String text(Object value) {
    if (value instanceof Duration) return TimeUtils.formatWithHighestUnit((Duration) value);
    if (value instanceof MemorySize) {
      long bytes = ((MemorySize) value).getBytes();
      return bytes % (1 << 20) == 0 ? (bytes >> 20) + " mb" : bytes % 1024 == 0 ? (bytes >> 10) + " kb" : bytes + " b";
    }
    if (value == null || value instanceof Collection && ((Collection<?>) value).isEmpty() || value instanceof Map && ((Map<?, ?>) value).isEmpty()) return "";
    return value.toString();
  }

  static void add(String whose, ConfigOption<?> option, boolean required) throws Exception {
    Method type = ConfigOption.class.getDeclaredMethod("getClazz");
    type.setAccessible(true);
    Object[] values = ((Class<?>) type.invoke(option)).getEnumConstants();
    StringJoiner words = new StringJoiner(",");
    if (values != null) for (Object value : values) words.add(value.toString());
    LINES.add(whose + "\t" + option.key() + "\t" + (required ? "required" : text(option.defaultValue())) + "\t" + words);
  }

  static void addFields(String whose, String name, String keys) throws Exception {
    Class<?> holder = Class.forName("org.apache.flink." + name);
    Object module = name.endsWith("$") ? holder.getField("MODULE$").get(null) : null;
    for (Field field : holder.getDeclaredFields()) {
      if (!ConfigOption.class.isAssignableFrom(field.getType())) continue;
      field.setAccessible(true);
      ConfigOption<?> option = (ConfigOption<?>) field.get(Modifier.isStatic(field.getModifiers()) ? null : module);
      if (option.key().matches(keys)) add(whose, option, false);
    }
  }

  public static void main(String[] arguments) throws Exception {
    for (Factory factory : ServiceLoader.load(Factory.class)) {
      String name = factory.factoryIdentifier();
      boolean asked = Arrays.asList(FACTORIES.split(" ")).contains(name);
      if (!asked || !(factory instanceof DynamicTableFactory || factory instanceof FormatFactory)) continue;
      for (ConfigOption<?> option : factory.requiredOptions()) add(name, option, true);
      for (ConfigOption<?> option : factory.optionalOptions()) add(name, option, false);
    }
    addFields("every table", "table.factories.FactoryUtil", "connector|scan\\.watermark\\..*");
    for (String name : SETTINGS) addFields("SET", name, SETTING_KEYS);
    LINES.forEach(System.out::println);
  }
}
