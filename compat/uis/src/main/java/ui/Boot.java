package ui;

import io.quarkus.runtime.StartupEvent;

import jakarta.enterprise.context.ApplicationScoped;
import jakarta.enterprise.event.Observes;

/** An application of nothing, so that its Dev UI runs. */
@ApplicationScoped
class Boot {
    void up(@Observes StartupEvent e) {}
}
