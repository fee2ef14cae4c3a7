// What the page of Java warns of; a line `name=value` each. Arguments: the owner's address, that of a login with few rights.
import java.sql.Connection;
import java.sql.SQLException;
import java.sql.Statement;
import org.postgresql.util.PGobject;

public class JavaTraps {
    static final String INSERT = "INSERT INTO jobs (type, payload) VALUES ('nobody_serves_this', ?)";
    static final String CAST = "INSERT INTO jobs (type, payload) VALUES ('nobody_serves_this', ?::jsonb)";

    interface Try {
        Object run() throws SQLException;
    }

    static void tell(String name, Try tried) {
        Object answer;
        try {
            answer = tried.run();
        } catch (SQLException refused) {
            answer = refused.getMessage().lines().findFirst().orElse("");
        }
        System.out.println(name + "=" + answer);
    }

    static int insert(Connection connection, Object payload) throws SQLException {
        try (var job = connection.prepareStatement(INSERT)) {
            job.setObject(1, payload);
            return job.executeUpdate();
        }
    }

    static boolean keyIsRead(Connection connection, boolean all) throws SQLException {
        try (var job = all ? connection.prepareStatement(CAST, Statement.RETURN_GENERATED_KEYS)
                           : connection.prepareStatement(CAST, new String[] {"id"})) {
            job.setString(1, "{}");
            job.executeUpdate();
            return job.getGeneratedKeys().next();
        }
    }

    public static void main(String[] addresses) throws Exception {
        var json = new PGobject();
        json.setType("jsonb");
        json.setValue("{}");
        try (var owner = JavaDriver.connect(addresses[0]); var few = JavaDriver.connect(addresses[1]);
             var untyped = JavaDriver.connect(addresses[0] + "?stringtype=unspecified")) {
            tell("string", () -> insert(owner, "{}"));
            tell("object", () -> insert(owner, json));
            tell("untyped", () -> insert(untyped, "{}"));
            tell("all_keys", () -> keyIsRead(few, true));
            tell("one_key", () -> keyIsRead(few, false));
            tell("unquoted", () -> owner.createStatement().executeQuery("SELECT errorMessage FROM jobs"));
        }
    }
}
