import { useServices, useUi } from '../services.tsx';
import { Icon } from './icons.tsx';

/** Why the network refused the last command. */
export function CommandError() {
  const { ui } = useServices();
  const message = useUi((state) => state.commandError);
  return (
    <div role="alert">
      {message === null ? null : (
        <p className="toast">
          <Icon name="alert" size={16} />
          <span>The network did not do that: {message}</span>
          <button
            type="button"
            className="button button-icon button-quiet"
            aria-label="Dismiss"
            onClick={() => ui.setState({ commandError: null })}
          >
            <Icon name="close" size={14} />
          </button>
        </p>
      )}
    </div>
  );
}
