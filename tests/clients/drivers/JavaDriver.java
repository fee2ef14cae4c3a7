// Obeys the tests for the page of Java; orders and answers as in python_driver.py.
import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.net.URI;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.SQLException;

public class JavaDriver {
    static Connection connect(String address) throws SQLException {
        var uri = URI.create(address);
        var login = uri.getUserInfo().split(":", 2);
        var options = System.getenv("POOLED") != null ? "prepareThreshold=0" : uri.getQuery() == null ? "" : uri.getQuery();
        var jdbc = "jdbc:postgresql://" + uri.getHost() + ":" + uri.getPort() + uri.getPath() + "?" + options;
        return DriverManager.getConnection(jdbc, login[0], login.length > 1 ? login[1] : "");
    }

    static String obey(Connection connection, String order, String value) throws SQLException {
        if (order.equals("sign_up")) {
            return Long.toString(People.signUp(connection, value, "{\"name\": \"" + value + "\"}"));
        }
        if (order.equals("cancel")) {
            return Integer.toString(People.cancel(connection, Long.parseLong(value)));
        }
        var job = People.read(connection, Long.parseLong(value));
        var result = job.result() == null ? "" : job.result();
        var error = job.errorMessage() == null ? "" : job.errorMessage();
        return String.join("\t", job.status(), result, error);
    }

    public static void main(String[] words) throws Exception {
        var lines = new BufferedReader(new InputStreamReader(System.in));
        try (var connection = connect(words[words.length - 1])) {
            for (var line = lines.readLine(); line != null; line = lines.readLine()) {
                var order = line.split(" ", 2);
                String answer;
                try {
                    answer = obey(connection, order[0], order[1]);
                } catch (SQLException error) {
                    answer = "error: " + error.getMessage().lines().findFirst().orElse("");
                }
                System.out.println(answer);
            }
        }
    }
}
