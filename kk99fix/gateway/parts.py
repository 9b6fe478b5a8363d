"""The parts of a running gateway, as `assembly.start` puts them together."""

from attrs import frozen

from kk99fix.config.load import Settings
from kk99fix.gateway.acceptor import Acceptor
from kk99fix.gateway.child_reports import ChildReports
from kk99fix.gateway.children import Children
from kk99fix.gateway.clock import VenueClock
from kk99fix.gateway.connections import Connections
from kk99fix.gateway.current import Current
from kk99fix.gateway.disk_space import DiskSpace
from kk99fix.gateway.feeder import Feeder
from kk99fix.gateway.live import LiveLoop
from kk99fix.gateway.logs import Log
from kk99fix.gateway.operator import Operator
from kk99fix.gateway.operator_stop import StopRequests
from kk99fix.gateway.reloader import Reloader
from kk99fix.gateway.schedules import Schedules
from kk99fix.gateway.sequencer import Sequencer
from kk99fix.gateway.tls_listener import TlsListener
from kk99fix.gateway.unknown_trades import UnknownTrades
from kk99fix.state.storage import Storage


@frozen
class Gateway:
    """One gateway."""

    current: Current
    storage: Storage
    sequencer: Sequencer
    connections: Connections
    #: None where [tls] has no port.
    tls: TlsListener | None
    feeder: Feeder
    loop: LiveLoop
    acceptor: Acceptor
    schedules: Schedules
    unknown_trades: UnknownTrades
    clock: VenueClock
    disk_space: DiskSpace
    children: Children
    child_reports: ChildReports
    operator: Operator
    stop_requests: StopRequests
    #: None: the files are read at the start alone.
    reloader: Reloader | None
    log: Log

    @property
    def settings(self) -> Settings:
        """The settings that apply now."""
        return self.current.settings
