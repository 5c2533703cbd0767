/** Styles of the whole page, in order: PatternFly's base and tokens, then ours. Components bring their own. */
import '@patternfly/react-core/dist/styles/base.css';
import './app.css';
