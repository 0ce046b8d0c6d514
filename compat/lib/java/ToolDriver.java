import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.JsonNode;
import java.io.*;
import java.lang.reflect.InvocationTargetException;
import java.nio.charset.StandardCharsets;
import java.util.*;
import java.util.concurrent.*;
import java.util.concurrent.atomic.AtomicReference;
import org.apache.kafka.common.utils.Exit;

/**
 * Runs the main methods of the stock tools in one JVM: a JSON request a line on stdin
 * {"main": class, "args": [...], "stdin": text or null, "seconds": n}, a JSON answer a line on
 * stdout {"code", "out", "err"}. A tool's exit is caught through Kafka's own Exit class, its
 * shutdown hooks run when its main ends, as they would in a JVM of its own.
 */
public class ToolDriver {
    /** What a tool throws to its main when it asks to exit. */
    static final class Exited extends Error {
        final int code;
        Exited(int code) { super("exit " + code, null, false, false); this.code = code; }
    }

    /** A stream whose target changes with each tool, since Scala and log4j keep the first one. */
    static final class Switch extends OutputStream {
        volatile OutputStream target;
        Switch(OutputStream target) { this.target = target; }
        @Override public void write(int b) throws IOException { target.write(b); }
        @Override public void write(byte[] b, int off, int len) throws IOException {
            target.write(b, off, len);
        }
        @Override public void flush() throws IOException { target.flush(); }
    }

    public static void main(String[] unused) throws Exception {
        PrintStream answers = new PrintStream(new FileOutputStream(FileDescriptor.out), true,
            StandardCharsets.UTF_8);
        Switch out = new Switch(OutputStream.nullOutputStream());
        Switch err = new Switch(OutputStream.nullOutputStream());
        BufferedReader requests =
            new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
        System.setOut(new PrintStream(out, true, StandardCharsets.UTF_8));
        System.setErr(new PrintStream(err, true, StandardCharsets.UTF_8));
        List<Runnable> hooks = new CopyOnWriteArrayList<>();
        // Some mains catch even what their exit throws, print it and exit again: the first exit
        // counts, and nothing that is printed after it.
        AtomicReference<Integer> first = new AtomicReference<>();
        Exit.Procedure exit = (code, message) -> {
            if (first.compareAndSet(null, code)) {
                System.out.flush();
                System.err.flush();
                out.target = OutputStream.nullOutputStream();
                err.target = OutputStream.nullOutputStream();
            }
            throw new Exited(code);
        };
        Exit.setExitProcedure(exit);
        Exit.setHaltProcedure(exit);
        Exit.setShutdownHookAdder((name, hook) -> hooks.add(hook));
        ObjectMapper json = new ObjectMapper();
        String line;
        while ((line = requests.readLine()) != null) {
            JsonNode request = json.readTree(line);
            ByteArrayOutputStream toolOut = new ByteArrayOutputStream();
            ByteArrayOutputStream toolErr = new ByteArrayOutputStream();
            out.target = toolOut;
            err.target = toolErr;
            hooks.clear();
            first.set(null);
            String input = request.hasNonNull("stdin") ? request.get("stdin").asText() : "";
            System.setIn(new ByteArrayInputStream(input.getBytes(StandardCharsets.UTF_8)));
            List<String> args = new ArrayList<>();
            request.get("args").forEach(x -> args.add(x.asText()));
            int code = run(request.get("main").asText(), args.toArray(new String[0]),
                request.path("seconds").asInt(60));
            out.target = toolOut;
            err.target = toolErr;
            for (Runnable hook : hooks) {
                Thread end = new Thread(hook, "tool-hook");
                end.setDaemon(true);
                end.start();
                end.join(10000);
            }
            if (first.get() != null) code = first.get();
            System.out.flush();
            System.err.flush();
            Map<String, Object> answer = new LinkedHashMap<>();
            answer.put("code", code);
            answer.put("out", toolOut.toString(StandardCharsets.UTF_8));
            answer.put("err", toolErr.toString(StandardCharsets.UTF_8));
            answers.println(json.writeValueAsString(answer));
        }
        Runtime.getRuntime().halt(0);
    }

    /** The exit code; 1 for an exception out of main, 124 when the time is over. */
    static int run(String main, String[] args, int seconds) throws Exception {
        FutureTask<Integer> task = new FutureTask<>(() -> {
            int code = 0;
            try {
                Class.forName(main).getMethod("main", String[].class)
                    .invoke(null, (Object) args);
            } catch (InvocationTargetException e) {
                if (e.getCause() instanceof Exited) code = ((Exited) e.getCause()).code;
                else { e.getCause().printStackTrace(); code = 1; }
            }
            return code;
        });
        Thread thread = new Thread(task, "tool");
        thread.setDaemon(true);
        thread.start();
        try {
            return task.get(seconds, TimeUnit.SECONDS);
        } catch (TimeoutException e) {
            thread.interrupt();
            thread.join(5000);
            return 124;
        }
    }
}
