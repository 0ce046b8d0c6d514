import java.io.IOException;

/** The end of standard input: by it a scenario tells its client to go. */
final class Input {
    private volatile boolean isOver;

    /** Waits for the end in the background, then runs this. */
    static Input awaited(Runnable then) {
        Input input = new Input();
        Thread reader =
                new Thread(
                        () -> {
                            try {
                                while (System.in.read() >= 0) {}
                            } catch (IOException gone) {
                                // As good as its end.
                            }
                            input.isOver = true;
                            then.run();
                        });
        reader.setDaemon(true);
        reader.start();
        return input;
    }

    boolean isOver() {
        return isOver;
    }
}
