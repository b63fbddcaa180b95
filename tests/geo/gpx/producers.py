"""How apps and devices write GPX: one made-up walk, in the conventions of each."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta, timezone
from itertools import pairwise
from typing import Final

import msgspec
from pyproj import Geod

from service.walks.features import FeatureKind

BEGAN: Final = datetime(2026, 5, 4, 14, 30, tzinfo=UTC)
TITLE: Final = "Zur Mühle & zurück"


class Place(msgspec.Struct, frozen=True):
    """A point of the walk."""

    lat: float
    lon: float
    ele: float
    at: datetime


EAST_AND_BACK: Final = (0, 9, 21, 30, 42, 50, 50, 41, 29, 18, 8, 1)
WALK: Final = [
    Place(
        lat=round(51.5 + number % 4 * 0.000_123, 6),
        lon=round(-0.002 + east * 0.000_1, 6),
        ele=12.5 + east / 4,
        at=BEGAN + timedelta(seconds=20 * number),
    )
    for number, east in enumerate(EAST_AND_BACK)
]

TOPOGRAFIX: Final = 'xmlns="http://www.topografix.com/GPX/1/1"'
GPX_1_0: Final = 'version="1.0" xmlns="http://www.topografix.com/GPX/1/0"'
GPX_1_1: Final = f'version="1.1" {TOPOGRAFIX}'
GARMIN: Final = "http://www.garmin.com/xmlschemas"
STANDALONE: Final = '<?xml version="1.0" encoding="UTF-8" standalone="no" ?>\n'
QUOTED: Final = "<?xml version='1.0' encoding='UTF-8' standalone='yes' ?>\n"
BARE: Final = '<?xml version="1.0"?>\n'
MILLIS: Final = "%Y-%m-%dT%H:%M:%S.000Z"
NAMED: Final = "<name>Zur Mühle &amp; zurück</name>"
CDATA: Final = "<name><![CDATA[Zur Mühle & zurück]]></name>"


class Producer(msgspec.Struct, frozen=True, kw_only=True):
    """What one writes: the file's parts around the walk's points, and what is to be read from it.

    Points have a height and a time where their template does; a walk in two segments pauses in the middle.
    """

    name: str
    root: str = GPX_1_1
    declaration: str = '<?xml version="1.0" encoding="UTF-8"?>\n'
    head: str = ""
    line: str = f"<trk>{NAMED}{{}}</trk>"
    point: str = '<trkpt lat="{lat}" lon="{lon}"><ele>{ele}</ele><time>{time}</time>{more}</trkpt>'
    more: str = ""
    time: str = "%Y-%m-%dT%H:%M:%SZ"
    offset_h: int = 0
    tail: str = ""
    prefix: str = ""
    newline: str = "\n"
    encoding: str = "utf-8"
    title: str | None = TITLE
    segments: int = 1
    waypoints: tuple[tuple[str | None, FeatureKind], ...] = ()

    @property
    def is_route(self) -> bool:
        return "<rte>" in self.line

    @property
    def parts(self) -> list[list[Place]]:
        """The segments of the walk."""
        cuts = [len(WALK) * number // self.segments for number in range(self.segments + 1)]
        return [WALK[start:stop] for start, stop in pairwise(cuts)]

    @property
    def length_m(self) -> float:
        """The length of the walk as PROJ has it, without the pauses."""
        earth = Geod(ellps="WGS84")
        return sum(
            earth.line_length([each.lon for each in part], [each.lat for each in part]) for part in self.parts
        )

    def file(self) -> bytes:
        """Return the walk as this producer writes it."""
        body = self.head + self.line.format("".join(self._segments())) + self.tail
        text = f"<gpx {self.root}>\n{body}</gpx>\n"
        if self.prefix:
            text = text.replace("</", "\0").replace("<", f"<{self.prefix}").replace("\0", f"</{self.prefix}")
        return (self.declaration + text).replace("\n", self.newline).encode(self.encoding)

    def _segments(self) -> Iterator[str]:
        for part in self.parts:
            points = "\n".join(self._point(each) for each in part)
            yield points if self.is_route else f"<trkseg>\n{points}\n</trkseg>\n"

    def _point(self, place: Place) -> str:
        at = place.at.astimezone(timezone(timedelta(hours=self.offset_h)))
        return self.point.format(
            lat=place.lat, lon=place.lon, ele=place.ele, time=at.strftime(self.time), more=self.more
        )


UNTIMED: Final = '<trkpt lat="{lat}" lon="{lon}"><ele>{ele}</ele></trkpt>'
ROUTE: Final = f"<rte>{NAMED}{{}}</rte>"
ROUTE_POINT: Final = '<rtept lat="{lat}" lon="{lon}"><ele>{ele}</ele></rtept>'
HEART_RATE: Final = (
    "<extensions><gpxtpx:TrackPointExtension><gpxtpx:hr>88</gpxtpx:hr></gpxtpx:TrackPointExtension>"
    "</extensions>"
)
WITH_GPXTPX: Final = f'{GPX_1_1} xmlns:gpxtpx="{GARMIN}/TrackPointExtension/v1"'

PRODUCERS: Final = (
    Producer(
        name="Garmin Connect",
        root=f'creator="Garmin Connect" xmlns:ns3="{GARMIN}/TrackPointExtension/v1" {GPX_1_1}',
        head='<metadata><link href="connect.garmin.com"><text>Garmin Connect</text></link></metadata>\n',
        more="<extensions><ns3:TrackPointExtension><ns3:hr>88</ns3:hr></ns3:TrackPointExtension></extensions>",
        time=MILLIS,
    ),
    Producer(
        name="Garmin BaseCamp, a route",
        root=f'creator="Garmin Desktop App" {GPX_1_1} xmlns:gpxx="{GARMIN}/GpxExtensions/v3" '
        f'xmlns:wptx1="{GARMIN}/WaypointExtension/v1" xmlns:trp="{GARMIN}/TripExtensions/v1"',
        declaration=STANDALONE,
        head="<wpt lat='51.5' lon='-0.002'><ele>12</ele><time>2026-05-04T14:30:00Z</time><name>Car</name>"
        "<sym>Parking Area</sym><extensions><wptx1:WaypointExtension><wptx1:Samples>1</wptx1:Samples>"
        "</wptx1:WaypointExtension></extensions></wpt>\n",
        line=ROUTE,
        point='<rtept lat="{lat}" lon="{lon}"><name>Via</name><extensions><trp:ViaPoint/>'
        '<gpxx:RoutePointExtension><gpxx:rpt lat="9.9" lon="9.9"/></gpxx:RoutePointExtension>'
        "</extensions></rtept>",
        newline="\r\n",
        waypoints=(("Car", FeatureKind.PARKING),),
    ),
    Producer(name="Strava", root=f'creator="StravaGPX iPhone" {WITH_GPXTPX}', more=HEART_RATE),
    Producer(
        name="Komoot",
        root=f'creator="https://www.komoot.de" {GPX_1_1}',
        declaration="<?xml version='1.0' encoding='UTF-8'?>\n",
        head="<metadata><name>Another</name><author><name>komoot</name></author></metadata>",
        time=MILLIS,
    ),
    Producer(
        name="AllTrails",
        root=f'{GPX_1_1} creator="AllTrails.com"',
        declaration=BARE,
        head=f"<metadata>{CDATA}<desc><![CDATA[]]></desc></metadata>",
        line="<trk><name/><desc/>{}</trk>",
        point=UNTIMED,
        title=None,
    ),
    Producer(
        name="Apple Health",
        root=f'creator="Apple Health Export" {GPX_1_1}',
        point='<trkpt lon="{lon:.6f}" lat="{lat:.6f}"><ele>{ele:.6f}</ele><time>{time}</time>{more}</trkpt>',
        more="<extensions><speed>0.9</speed><course>39.7</course><hAcc>5.5</hAcc></extensions>",
    ),
    Producer(
        name="WorkOutDoors",
        root=f'creator="WorkOutDoors" {WITH_GPXTPX}',
        more=HEART_RATE,
        time=MILLIS,
        segments=2,
    ),
    Producer(
        name="OsmAnd",
        root=f'creator="OsmAnd~ 4.7" {GPX_1_1} xmlns:osmand="https://osmand.net/docs"',
        declaration=QUOTED,
        head="<wpt lat='51.5' lon='-0.002'><name>Quiet</name><type>bench</type>"
        "<extensions><osmand:icon>amenity_bench</osmand:icon></extensions></wpt>",
        more="<hdop>4.2</hdop><extensions><osmand:speed>1.1</osmand:speed></extensions>",
        tail="<extensions><osmand:points_groups><group name=''/></osmand:points_groups></extensions>",
        waypoints=(("Quiet", FeatureKind.BENCH),),
    ),
    Producer(
        name="Organic Maps",
        root=f'creator="Organic Maps" {GPX_1_1} xmlns:gpx_style="http://www.topografix.com/GPX/gpx_style/0/2"',
        declaration=BARE,
        line="<trk>"
        + NAMED
        + "<extensions><gpx_style:line><gpx_style:color>0066CC</gpx_style:color></gpx_style:line>"
        "</extensions>{}</trk>",
        point=UNTIMED,
        tail="<wpt lat='51.5' lon='-0.002'><name>Pub</name></wpt>",
        waypoints=(("Pub", FeatureKind.OTHER),),
    ),
    Producer(
        name="OruxMaps",
        root=f'creator="OruxMaps v.9.0" {GPX_1_1} xmlns:om="http://www.oruxmaps.com/oruxmapsextensions/1/0"',
        declaration=STANDALONE,
        head="<wpt lat='51.5' lon='-0.002'><name><![CDATA[0001]]></name><type><![CDATA[Gate]]></type>"
        "<extensions><om:oruxmapsextensions><om:ext type='ICON'>1</om:ext></om:oruxmapsextensions>"
        "</extensions></wpt>",
        line=f"<trk>{CDATA}<desc><![CDATA[<h2>1 km</h2>]]></desc><type>TrackStats</type>{{}}</trk>",
        waypoints=(("0001", FeatureKind.GATE),),
    ),
    Producer(
        name="Locus",
        root=f'creator="Locus Map, Android" {WITH_GPXTPX} xmlns:locus="http://www.locusmap.eu"',
        line=f"<trk>{NAMED}<extensions><line xmlns='http://www.topografix.com/GPX/gpx_style/0/2'>"
        "<extensions><locus:lsWidth>5</locus:lsWidth></extensions></line></extensions>{}</trk>",
        more="<hdop>3.5</hdop>" + HEART_RATE,
        time=MILLIS,
    ),
    Producer(
        name="Wikiloc",
        root=f'creator="Wikiloc - https://www.wikiloc.com" {GPX_1_1}',
        head="<metadata><author><name>A walker</name></author></metadata><wpt lat='51.5' lon='-0.002'>"
        "<name><![CDATA[Descanso]]></name><cmt><![CDATA[]]></cmt><desc><![CDATA[]]></desc></wpt>\n",
        line=f"<trk>{NAMED}<cmt></cmt><desc></desc>{{}}</trk>",
        newline="\r\n",
        waypoints=(("Descanso", FeatureKind.OTHER),),
    ),
    Producer(
        name="Suunto, a route",
        root=f'{GPX_1_1} creator="Suunto app"',
        head="<metadata><extensions><route xmlns='http://www.suunto.com/xmlschemas/RouteExtension/v1'>"
        "<id>1</id></route></extensions></metadata>",
        line=ROUTE,
        point=ROUTE_POINT,
    ),
    Producer(
        name="Suunto",
        root=f'creator="Suunto app" {WITH_GPXTPX}',
        declaration='<?xml version="1.0" encoding="UTF-8" standalone="no"?>',
        head="<metadata><name></name><desc/><author><name>A walker</name></author></metadata>",
        more=HEART_RATE,
    ),
    Producer(
        name="Polar Flow",
        root=f'{GPX_1_1} creator="Polar Flow"',
        point='<trkpt lat="{lat:.8f}" lon="{lon:.8f}"><ele>{ele:.3f}</ele><time>{time}</time></trkpt>',
        time=MILLIS,
    ),
    Producer(
        name="Coros, with a prefix that nobody declared",
        root='creator="COROS Wearables" version="1.1"',
        more="<extensions><gpxdata:hr>93</gpxdata:hr></extensions>",
    ),
    Producer(
        name="Fitbit", root=f'creator="fitbit" {GPX_1_1}', time="%Y-%m-%dT%H:%M:%S.000+01:00", offset_h=1
    ),
    Producer(
        name="Samsung Health",
        root=f'creator="Samsung Health" {GPX_1_1}',
        point='<trkpt lat="{lat:.9E}" lon="{lon:.9E}"><ele>{ele:E}</ele><time>{time}</time></trkpt>',
    ),
    Producer(
        name="Runkeeper",
        root=f'creator="Runkeeper - http://www.runkeeper.com" {WITH_GPXTPX}',
        line=f"<trk>{CDATA}<time>2026-05-04T14:30:00Z</time>{{}}</trk>",
        segments=3,
    ),
    Producer(
        name="MapMyRun",
        root=f'creator="MapMyFitness.com" {GPX_1_1}',
        declaration=BARE,
        point='<trkpt lat="{lat:.12f}" lon="{lon:.12f}"><ele>{ele:.12f}</ele></trkpt>',
    ),
    Producer(name="Nike", root='creator="nike+" version="1.1"', line=f"<trk>{CDATA}{{}}</trk>"),
    Producer(
        name="GPSLogger",
        root=f'creator="GPSLogger 135 - http://gpslogger.mendhak.com/" {GPX_1_0}',
        declaration='<?xml version="1.0" encoding="UTF-8" ?>',
        head="<time>2026-05-04T14:30:00.000Z</time><bounds />",
        line="<trk>{}</trk>",
        more="<course>1.2</course><speed>1.1</speed><geoidheight>49.5</geoidheight><src>gps</src><sat>9</sat>"
        "<hdop>0.8</hdop><vdop>1.1</vdop><pdop>1.4</pdop>",
        time=MILLIS,
        title=None,
    ),
    Producer(
        name="GPSBabel, GPX 1.0",
        root=f'creator="GPSBabel - http://www.gpsbabel.org" {GPX_1_0}',
        line=f"<trk>{NAMED}<number>1</number>{{}}</trk>",
        more="<speed>1.03</speed><fix>3d</fix><sat>8</sat>",
    ),
    Producer(
        name="GPSBabel, a route",
        root=f'creator="GPSBabel - https://www.gpsbabel.org" {GPX_1_1}',
        line=ROUTE,
        point='<rtept lat="{lat}" lon="{lon}"><ele>{ele}</ele><name>RPT001</name></rtept>',
    ),
    Producer(name="gpx.studio", root=f'{WITH_GPXTPX} creator="https://gpx.studio"', point=UNTIMED),
    Producer(
        name="Ride with GPS",
        root=f'creator="http://ridewithgps.com/" {GPX_1_1}',
        head="<wpt lat='51.5' lon='-0.002'><name>Left</name><cmt>A &amp; B</cmt><sym>left</sym></wpt>",
        point=UNTIMED,
        waypoints=(("Left", FeatureKind.OTHER),),
    ),
    Producer(
        name="ViewRanger",
        root=f'creator="ViewRanger" xmlns:xsd="http://www.w3.org/2001/XMLSchema" {GPX_1_1}',
        line=f"<trk>{CDATA}{{}}</trk>",
    ),
    Producer(
        name="Outdooractive",
        root=f'creator="Outdooractive" {GPX_1_1} xmlns:oa="http://www.outdooractive.com/GPX/Extensions/1"',
        declaration=QUOTED,
        head="<metadata><extensions><oa:oaCategory>hikingTourTrail</oa:oaCategory></extensions></metadata>",
        line=f"<trk>{NAMED}<desc>Eine &lt;b&gt;Tour&lt;/b&gt;&amp;nbsp;!</desc>{{}}</trk>",
        point=UNTIMED,
    ),
    Producer(
        name="Google's timeline, converted",
        root='version="1.1" creator="takeout2gpx"',
        line="<trk>{}</trk>",
        point='<trkpt lat="{lat:.7f}" lon="{lon:.7f}"><time>{time}</time></trkpt>',
        time=MILLIS,
        title=None,
    ),
    Producer(
        name="JOSM",
        root=f'creator="JOSM GPX export" {GPX_1_1} xmlns:gpxd="http://josm.openstreetmap.de/gpx-drawing-extensions-1.0"',
        line="<trk><extensions><gpxd:color>#FF0000</gpxd:color></extensions>{}</trk>",
        point='<trkpt lat="{lat}" lon="{lon}"/>',
        title=None,
    ),
    Producer(
        name="QGIS",
        root=f'creator="GDAL 3.10.2" xmlns:ogr="http://osgeo.org/gdal" {GPX_1_1}',
        declaration=BARE,
        line=f"<trk>{NAMED}<extensions><ogr:name>no</ogr:name></extensions>{{}}</trk>",
        point='<trkpt lat="{lat:.15f}" lon="{lon:.15f}">\n<ele>{ele}</ele>\n</trkpt>',
    ),
    Producer(
        name="QMapShack",
        root=f'creator="QMapShack 1.17" {GPX_1_1} xmlns:ql="http://www.qlandkarte.org/xmlschemas/v1.1"',
        head="<metadata/>",
        more="<extensions><ql:flags>0</ql:flags></extensions>",
    ),
    Producer(
        name="Viking",
        root=f'creator="Viking 1.10" {GPX_1_0}',
        declaration=BARE,
        head="<!-- made by hand --><wpt lat='51.5' lon='-0.002' hidden='hidden'><name>w</name></wpt>",
        line=f"<trk hidden='hidden'>{NAMED}{{}}</trk>",
        more="<course>12.0</course><speed>1.2</speed>",
        time="%Y-%m-%dT%H:%M:%S.0Z",
        waypoints=(("w", FeatureKind.OTHER),),
    ),
    Producer(
        name="Sports Tracker, without a zone",
        root=f'creator="Sports Tracker" {GPX_1_1}',
        line="<trk>{}</trk>",
        time="%Y-%m-%dT%H:%M:%S",
        title=None,
    ),
    Producer(
        name="Endomondo",
        root=f'creator="Endomondo.com" {WITH_GPXTPX}',
        line="<trk><src>http://www.endomondo.com/</src><link href='x'><text>no</text></link>{}</trk>",
        title=None,
    ),
    Producer(
        name="a receiver's NMEA, converted",
        root=f'creator="u-center" {GPX_1_1}',
        more="<magvar>1.1</magvar><geoidheight>47.3</geoidheight><fix>dgps</fix><sat>11</sat><hdop>0.9</hdop>",
        time="%Y-%m-%dT%H:%M:%S.000000000Z",
    ),
    Producer(
        name="Mapy.cz, a route", root=f'creator="https://mapy.cz/" {GPX_1_1}', line=ROUTE, point=ROUTE_POINT
    ),
    Producer(
        name="swisstopo",
        root=f'creator="swisstopo app" {GPX_1_1} xmlns:swisstopo="https://prod-static.swisstopo-app.ch/x"',
        more="<extensions><swisstopo:source>device</swisstopo:source></extensions>",
    ),
    Producer(
        name="myTracks, a text in each point",
        root=f'creator="myTracks" {GPX_1_1} xmlns:mytracks="http://mytracks.stichling.info/myTracksGPX/1/0"',
        line=f"<trk>{NAMED}<extensions><mytracks:timezone offset='120'/></extensions>{{}}</trk>",
        more="<name>no</name><desc>Speed=0Km/h</desc>",
    ),
    Producer(
        name="Open GPX Tracker",
        root=f'creator="Open GPX Tracker for iOS" {GPX_1_1}',
        line="<trk>{}</trk>",
        point='\t<trkpt lat="{lat:.14f}" lon="{lon:.14f}">\n\t\t<ele>{ele}</ele>\n\t\t<time>{time}</time>\n'
        "\t</trkpt>",
        title=None,
    ),
    Producer(
        name="OSMTracker",
        root=f'creator="OSMTracker for Android™" {GPX_1_1}',
        line=f"<trk>{CDATA}<cmt><![CDATA[Not a name]]></cmt>{{}}</trk>",
        more="<hdop>10</hdop><extensions><compass>3</compass></extensions>",
    ),
    Producer(
        name="Python's ElementTree, every name with a prefix",
        root='version="1.1" xmlns:ns0="http://www.topografix.com/GPX/1/1"',
        declaration="<?xml version='1.0' encoding='us-ascii'?>\n",
        line="<trk><name>Zur M&#252;hle &amp; zur&#252;ck</name>{}</trk>",
        prefix="ns0:",
        encoding="ascii",
    ),
    Producer(
        name="a Windows program, in its own encoding",
        declaration='<?xml version="1.0" encoding="windows-1252"?>\n',
        encoding="cp1252",
        newline="\r\n",
    ),
    Producer(
        name="a Windows program, in UTF-16",
        declaration='<?xml version="1.0" encoding="UTF-16"?>\n',
        encoding="utf-16",
    ),
    Producer(name="an editor that marks its files", encoding="utf-8-sig", time="%Y-%m-%d %H:%M:%S"),
    Producer(name="a script without a declaration", declaration="", root="", time="%Y-%m-%dt%H:%M:%Sz"),
)
