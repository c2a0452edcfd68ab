import com.amazon.randomcutforest.parkservices.ThresholdedRandomCutForest;
import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.util.StringJoiner;

/** Reads one series a line, values apart by blanks, and writes the anomaly grades of its values, 0 to 1. */
public class Forest {
    private static final int SHINGLE = 8;

    public static void main(String[] arguments) throws Exception {
        BufferedReader lines = new BufferedReader(new InputStreamReader(System.in));
        for (String line = lines.readLine(); line != null; line = lines.readLine()) {
            System.out.println(grades(line.split(" ")));
        }
    }

    private static String grades(String[] values) {
        // The settings that OpenSearch's anomaly detection uses for one stream.
        ThresholdedRandomCutForest forest = ThresholdedRandomCutForest.builder()
                .dimensions(SHINGLE).shingleSize(SHINGLE).numberOfTrees(30).sampleSize(256)
                .initialAcceptFraction(0.125).timeDecay(0.0001).outputAfter(32).randomSeed(42)
                .parallelExecutionEnabled(false).internalShinglingEnabled(true).anomalyRate(0.005).build();
        StringJoiner answer = new StringJoiner(" ");
        for (int at = 0; at < values.length; at++) {
            double value = Double.parseDouble(values[at]);
            answer.add(Double.toString(forest.process(new double[] {value}, at).getAnomalyGrade()));
        }
        return answer.toString();
    }
}
